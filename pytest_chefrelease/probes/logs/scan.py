"""Makes a tally of blocks of lines, in one pass.

A block of pino's lines is decoded at once, into the few fields that count (0.6 s for a
million lines); a block that holds anything else is read line by line. Where neither time nor
status are unusual nothing is made of a line but a few numbers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import compress

import msgspec

from pytest_chefrelease.probes.logs.parse import CRASH, ERROR_LEVEL, LONGEST_MS, Line, read_line
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
_MOST_KEPT = 300_000
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


def _statuses(lines: Sequence[_Pino]) -> list[int]:
    """The status that each line tells, 0 where it tells none."""
    found = [line.res.statusCode for line in lines]
    if 0 in found:
        found = [line.res.statusCode or line.statusCode or line.status for line in lines]
    return found


def _unusual(lines: Sequence[_Pino], statuses: Sequence[int], *, is_refusal_odd: bool) -> list[int]:
    """The places of the lines that are looked at as a whole: 5xx and errors.

    Refused requests (401) too where they may be this suite's own.
    """
    refused = 401 if is_refusal_odd else -1
    if max([line.level for line in lines]) >= ERROR_LEVEL:
        return [
            place
            for place, (line, status) in enumerate(zip(lines, statuses, strict=True))
            if line.level >= ERROR_LEVEL or status >= 500 or status == refused
        ]
    if refused in statuses or max(statuses) >= 500:
        return [n for n, status in enumerate(statuses) if status >= 500 or status == refused]
    return []


def _places_of(status: int, statuses: Sequence[int]) -> Iterator[int]:
    """Where a status stands that is rare: searching for it is quicker than looking at each."""
    place = -1
    for _ in range(statuses.count(status)):
        place = statuses.index(status, place + 1)
        yield place


def _lines_of(block: bytes, count: int) -> list[bytes]:
    """So many lines of a block, without the blank ones between."""
    lines = block.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines if len(lines) == count else [line for line in lines if line.strip()]


@lru_cache(maxsize=20_000)
def _route(method: str, path: str) -> str:
    return f"{method} {route_template(path)}"


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
        self._by_path: defaultdict[_Request, list[float]] = defaultdict(list)
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
        by_route: defaultdict[str, list[float]] = defaultdict(list)
        for asked, took in self._by_path.items():
            by_route[_route(asked.method, asked.url)] += took
        for route, all_of_it in by_route.items():
            counts = Counter(all_of_it).items()
            told = {took_ms: count for took_ms, count in counts if 0 <= took_ms < LONGEST_MS}
            if told:
                self.tally.note_latency(route, told)
        self._by_path.clear()
        self._kept = 0

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
        statuses = _statuses(lines)
        has_own = _OWN_AGENT in block
        odd = _unusual(lines, statuses, is_refusal_odd=has_own)
        for place in odd:
            statuses[place] = 0
        quiet = list(compress(lines, statuses))
        if not quiet and not odd:
            # Perhaps no requests at all, perhaps a form of them that is another's.
            self._take_lines(block)
            return
        by_path, tally = self._by_path, self.tally
        for line in quiet:
            by_path[line.req].append(line.responseTime)
        tally.lines += len(lines) - len(odd)
        tally.requests += len(quiet)
        tally.note_time(first_ms, last_ms)
        self._count_quiet(quiet, first_ms, last_ms)
        for place in _places_of(401, statuses):
            tally.at(lines[place].time).refused += 1
        self._kept += len(quiet)
        self._now_ms = times[-1]
        if odd or has_own:
            raws = _lines_of(block, len(lines))
            if has_own:
                self._count_own(lines, statuses, raws)
            for place in odd:
                self._take(raws[place], read_line(raws[place]))

    def _count_own(
        self, lines: Sequence[_Pino], statuses: Sequence[int], raws: Sequence[bytes]
    ) -> None:
        """Count which of the requests counted so far are this suite's own."""
        for line, status, raw in zip(lines, statuses, raws, strict=True):
            if status and _OWN_AGENT in raw:
                self.tally.at(line.time).own += OWN_AGENT in _agent(raw)

    def _count_quiet(self, quiet: Sequence[_Pino], first_ms: int, last_ms: int) -> None:
        """Count requests in their minutes; as a rule a block has only one."""
        if first_ms // 60_000 == last_ms // 60_000:
            self.tally.at(first_ms).requests += len(quiet)
            return
        counts = Counter(line.time // 60_000 for line in quiet)
        for minute, count in counts.items():
            self.tally.at(minute * 60_000).requests += count

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
            self._by_path[_Request(line.method, line.path)].append(line.took_ms)
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
