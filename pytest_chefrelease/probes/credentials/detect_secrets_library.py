"""The library detect-secrets (Yelp), by its detectors for the credentials of named services.

Its entropy detectors are left out: on a real repository they found 2,812 things, nearly all
false. Its keyword detector gives hints, which are shown and do not count. The library's inline
allow list is not honoured: allowances are audited in release.toml.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from pytest_chefrelease.errors import MissingExtra, NoAnswer
from pytest_chefrelease.probes.added_text import AddedLine
from pytest_chefrelease.probes.credentials.detector import Detected, fingerprint_of
from pytest_chefrelease.runbook.secret_strength import is_example

if TYPE_CHECKING:
    from detect_secrets.plugins.base import BasePlugin

_LEFT_OUT = {"Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector"}
_HINTS = {"KeywordDetector"}
_PIECE = 2_000
_OVERLAP = 300
_LIMIT_EVERY = 200


class DetectSecrets:
    """The detectors, loaded once."""

    def __init__(self) -> None:
        try:
            from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
        except ImportError:
            raise MissingExtra(
                "neither gitleaks nor detect-secrets is installed here",
                expected="a detector of credentials",
                remedy="Run pip install 'pytest-chefrelease[detect]', or put gitleaks on PATH.",
            ) from None
        classes: list[type[BasePlugin]] = list(get_mapping_from_secret_type_to_class().values())
        self._plugins = [each() for each in classes if each.__name__ not in _LEFT_OUT]
        self.name = f"detect-secrets {version('detect-secrets')}"

    def detect(self, lines: Sequence[AddedLine], *, limit_s: float) -> tuple[Detected, ...]:
        """All finds; each credential once for each line."""
        deadline = time.monotonic() + limit_s
        found: dict[Detected, None] = {}
        for number, line in enumerate(lines):
            if number % _LIMIT_EVERY == 0 and time.monotonic() > deadline:
                raise NoAnswer(
                    f"detect-secrets saw {number:,} of {len(lines):,} lines in {limit_s:.0f} s",
                    remedy="Put gitleaks on PATH: it is quicker.",
                )
            for piece in _pieces(line.text):
                found.update(dict.fromkeys(self._in_piece(line, piece)))
        return tuple(found)

    def _in_piece(self, line: AddedLine, piece: str) -> Iterator[Detected]:
        for plugin in self._plugins:
            for text in _texts(plugin, piece):
                is_certain = type(plugin).__name__ not in _HINTS and not is_example(text)
                rule = plugin.secret_type
                yield Detected(rule, line.path, line.number, fingerprint_of(text), is_certain)


def _texts(plugin: BasePlugin, piece: str) -> set[str]:
    found = plugin.analyze_line(filename="release.txt", line=piece, line_number=1)
    return {secret.secret_value for secret in found if secret.secret_value}


def _pieces(text: str) -> Iterator[str]:
    """A long line in pieces that overlap: the detectors' patterns take ever longer otherwise."""
    if len(text) <= _PIECE:
        yield text
        return
    for start in range(0, len(text), _PIECE - _OVERLAP):
        yield text[start : start + _PIECE]
