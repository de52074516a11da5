"""Readings of logs that come as text from elsewhere, not as files that can be sought in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b

from pytest_chefrelease.probes.logs.scan import Scanner
from pytest_chefrelease.probes.logs.source import Window
from pytest_chefrelease.runbook.log_tally import Tally

_MOST_KNOWN = 200_000


@dataclass(slots=True)
class LineTally:
    """A tally of lines that may come more than once: each counts once, by place and content.

    Of the lines' marks only the newest 200,000 are kept.
    """

    window: Window
    tally: Tally = field(default_factory=Tally)
    _known: dict[bytes, None] = field(default_factory=dict)
    _scanner: Scanner = field(init=False)

    def __post_init__(self) -> None:
        self._scanner = Scanner(self.tally, self.window)

    def add(self, lines: Iterable[bytes]) -> int:
        """Take in lines and say how many were new."""
        new = 0
        for line in lines:
            mark = blake2b(line, digest_size=12).digest()
            if line.strip() and mark not in self._known:
                self._known[mark] = None
                self._scanner.feed(line)
                new += 1
        self._scanner.fold()
        while len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return new

    def oversized(self, count: int) -> None:
        """Count lines that were too long."""
        self._scanner.skipped(count)
