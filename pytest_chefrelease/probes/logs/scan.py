"""Makes a tally of blocks of lines, in one pass.

A block of pino's lines is decoded at once, into the few fields that count (0.6 s for a
million lines); a block that holds anything else is read line by line. Where neither time nor
status are unusual nothing is made of a line but a few numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from pytest_chefrelease.probes.logs.parse import CRASH, ERROR_LEVEL, Line, read_line
from pytest_chefrelease.probes.logs.source import Window
from pytest_chefrelease.runbook.log_tally import Group, Tally, note_group
from pytest_chefrelease.runbook.log_template import (
    message_template,
    route_template,
    without_private,
)

OWN_AGENT = "chefrelease/"
"""What this suite calls itself, in the user agent of each request that it makes."""
_OWN_AGENT = OWN_AGENT.encode()
_SHOWN_CHARS = 300
_MOST_PATHS = 20_000
_MOST_KEPT = 100_000
_OLDEST_MS, _NEWEST_MS = 9e11, 5e12


class _Request(msgspec.Struct, frozen=True, gc=False):
    method: str = ""
    url: str = ""


class _Response(msgspec.Struct, frozen=True, gc=False):
    statusCode: int = 0  # noqa: N815 (pino's)


class _Pino(msgspec.Struct, gc=False):
    """A line of pino's with a request; other lines of pino's have its first two fields."""

    time: int
    level: int
    req: _Request = _Request()
    res: _Response = _Response()
    responseTime: int | float = -1  # noqa: N815 (pino's)
    statusCode: int = 0  # noqa: N815 (pino's)
    status: int = 0


def _is_quiet(line: _Pino) -> bool:
    """Whether a line is a request of which only numbers count."""
    status = line.res.statusCode or line.statusCode or line.status
    return 0 < status < 500 and status != 401 and line.level < ERROR_LEVEL


def _agent(raw: bytes) -> str:
    """Who asked, of a line that is known to be JSON."""
    line = read_line(raw)
    return line.agent if line is not None else ""


_PINO = msgspec.json.Decoder(_Pino)


class Scanner:
    """Adds blocks of whole lines to ``tally``, as far as they lie in the window.

    A line without a time belongs to the one before it. ``is_past`` says that a line behind
    the window's end was seen.
    """

    def __init__(self, tally: Tally, window: Window) -> None:
        self.tally = tally
        self.is_past = False
        self._window = window
        self._now_ms = 0
        # The same list under each path of a route, and under the route.
        self._by_path: dict[tuple[str, str], list[float]] = {}
        self._by_route: dict[str, list[float]] = {}
        self._kept = 0

    def feed(self, block: bytes) -> None:
        """Take in lines; the last one may lack its end."""
        try:
            lines = _PINO.decode_lines(block)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            lines = []
        if not lines or not self._is_pino(lines):
            self._take_lines(block)
        else:
            self._take_block(lines, block)
        if len(self._by_path) > _MOST_PATHS or self._kept > _MOST_KEPT:
            self.fold()

    def skipped(self, count: int) -> None:
        """Count lines that were too long to be read."""
        self.tally.oversized += count

    def fold(self) -> None:
        """Let the tally have what was kept apart for speed; call it after the last block."""
        for route, took in self._by_route.items():
            self.tally.note_latency(route, Counter(took))
        self._by_path.clear()
        self._by_route.clear()
        self._kept = 0

    def _took(self, method: str, path: str) -> list[float]:
        """Where the times of a path go: to those of its route."""
        key = (method, path)
        if key not in self._by_path:
            route = f"{method} {route_template(path)}"
            self._by_path[key] = self._by_route.setdefault(route, [])
        return self._by_path[key]

    @staticmethod
    def _is_pino(lines: Sequence[_Pino]) -> bool:
        """Whether the lines' times are milliseconds."""
        return all(_OLDEST_MS < line.time < _NEWEST_MS for line in (lines[0], lines[-1]))

    def _take_block(self, lines: Sequence[_Pino], block: bytes) -> None:
        times = [line.time for line in lines]
        first_ms, last_ms = min(times), max(times)
        if first_ms < self._window.start_ms or last_ms >= self._window.end_ms:
            self._take_parts(lines, block)
            return
        by_path, odd, quiet = self._by_path, list[int](), 0
        for place, line in enumerate(lines):
            status = line.res.statusCode or line.statusCode or line.status
            if line.level >= ERROR_LEVEL or status == 401 or status >= 500:
                odd.append(place)
            elif status:
                quiet += 1
                if line.responseTime >= 0:
                    try:
                        by_path[line.req.method, line.req.url].append(line.responseTime)
                    except KeyError:
                        self._took(line.req.method, line.req.url).append(line.responseTime)
        if not quiet and not odd:
            # Perhaps no requests at all, perhaps a form of them that is another's.
            self._take_lines(block)
            return
        tally = self.tally
        tally.lines += len(lines) - len(odd)
        tally.requests += quiet
        tally.note_time(first_ms, last_ms)
        self._count_quiet(lines, quiet, first_ms, last_ms)
        self._kept += quiet
        self._now_ms = times[-1]
        if odd or _OWN_AGENT in block:
            self._take_odd(lines, odd, block)

    def _take_odd(self, lines: Sequence[_Pino], odd: Sequence[int], block: bytes) -> None:
        """What is looked at as a whole: the unusual lines, and those of this suite itself."""
        raws = [raw for raw in block.split(b"\n") if raw.strip()]
        if _OWN_AGENT in block:
            self._count_own(lines, raws)
        for place in odd:
            self._take(raws[place], read_line(raws[place]))

    def _count_quiet(self, lines: Sequence[_Pino], quiet: int, first_ms: int, last_ms: int) -> None:
        """Count requests in their minutes; as a rule a block has only one."""
        if first_ms // 60_000 == last_ms // 60_000:
            self.tally.at(first_ms).requests += quiet
            return
        counts = Counter(line.time // 60_000 for line in lines if _is_quiet(line))
        for minute, count in counts.items():
            self.tally.at(minute * 60_000).requests += count

    def _count_own(self, lines: Sequence[_Pino], raws: Sequence[bytes]) -> None:
        """Count which of the requests counted so far are this suite's own."""
        for line, raw in zip(lines, raws, strict=True):
            if _OWN_AGENT in raw and _is_quiet(line):
                self.tally.at(line.time).own += OWN_AGENT in _agent(raw)

    def _take_parts(self, lines: Sequence[_Pino], block: bytes) -> None:
        """A block at an edge of the window: line by line, unless it lies outside as a whole."""
        window = self._window
        times = [line.time for line in lines]
        self._now_ms = times[-1]
        if min(times) >= window.end_ms:
            self.is_past = True
        elif max(times) >= window.start_ms:
            self._take_lines(block)

    def _take_lines(self, block: bytes) -> None:
        for raw in block.split(b"\n"):
            if raw.strip():
                self._take(raw, read_line(raw))

    def _take(self, raw: bytes, line: Line | None) -> None:
        tally = self.tally
        if line is not None and line.time_ms:
            self._now_ms = line.time_ms
        if not self._is_in_window():
            # Where not even a time has been found yet, nobody knows what is left out.
            tally.unreadable += line is None and not self._now_ms
            return
        tally.lines += 1
        if line is None:
            tally.unreadable += 1
            return
        tally.note_time(self._now_ms, self._now_ms)
        if line.status:
            self._take_request(raw, line)
        is_unlabelled = not line.level and not line.status
        if line.level >= ERROR_LEVEL or (is_unlabelled and CRASH.search(line.text[:2_000])):
            self._note(tally.messages, message_template(line.text) or f"status {line.status}", raw)

    def _is_in_window(self) -> bool:
        now_ms, window = self._now_ms, self._window
        if now_ms >= window.end_ms:
            self.is_past = True
        return bool(now_ms) and window.start_ms <= now_ms < window.end_ms

    def _take_request(self, raw: bytes, line: Line) -> None:
        tally = self.tally
        minute = tally.at(self._now_ms)
        is_own = OWN_AGENT in line.agent
        tally.requests += 1
        minute.requests += 1
        minute.own += is_own
        minute.refused += line.status == 401 and not is_own
        if line.took_ms >= 0:
            self._took(line.method, line.path).append(line.took_ms)
        if line.status >= 500:
            minute.errors += 1
            minute.own_errors += is_own
            where = f"{line.method} {route_template(line.path)}".strip() or "unknown route"
            key = f"{where}\t{line.status}\t{message_template(line.text)}"
            self._note(tally.errors, key, raw)

    def _note(self, groups: dict[str, Group], name: str, raw: bytes) -> None:
        known = groups.get(name)
        examples = []
        if known is None or len(known.examples) < 3:
            shown = without_private(raw[: _SHOWN_CHARS * 2].decode(errors="replace"))
            examples = [shown[:_SHOWN_CHARS]]
        note_group(groups, name, Group(1, self._now_ms, self._now_ms, examples))
