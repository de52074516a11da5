"""Logs that Grafana Loki keeps.

Source: Loki's HTTP API, ``GET /loki/api/v1/query_range``: times in nanoseconds, streams of
values [time, line], at most ``limit`` lines, oldest first.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import urlencode

import msgspec

from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.probes.http import Answer, HttpProbe
from pytest_chefrelease.probes.logs.lines import LineTally
from pytest_chefrelease.probes.logs.source import LogReading, Window
from pytest_chefrelease.probes.vendor_answers import malformed, refuse
from pytest_chefrelease.runbook.log_tally import Tally

_LIMIT = 5_000
_PAGES = 200
_BODY_BYTES = 50_000_000
_TIME_DIGITS = 19
_LATE_NS = 30_000_000_000
"""Lines reach Loki late and out of order: so much is asked for again."""


class _Stream(msgspec.Struct):
    stream: dict[str, str]
    values: list[tuple[str, str]]


class _Data(msgspec.Struct, rename="camel"):
    result_type: str
    result: list[_Stream]


class _Answer(msgspec.Struct):
    status: str
    data: _Data


@dataclass(frozen=True, slots=True)
class LokiSource:
    """The streams that ``query`` selects, read with a token where the server wants one."""

    every_s: ClassVar[float] = 5.0
    http: HttpProbe
    url: str
    query: str
    token: str | None = field(repr=False)
    token_name: str

    @property
    def place(self) -> str:
        """The address and the query."""
        return f"{self.query} at {self.url}"

    def reading(self, window: Window) -> LogReading:
        """Read what the streams hold of a window, and what is added to it."""
        return LokiReading(self, LineTally(window), window.start_ms * 1_000_000)

    async def page(self, start_ns: int, end_ns: int) -> list[tuple[int, str]]:
        """Lines with their times, oldest first, at most 5,000. Raises a ProbeError."""
        asked = {
            "query": self.query,
            "start": start_ns,
            "end": end_ns,
            "limit": _LIMIT,
            "direction": "forward",
        }
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        answer = await self.http.request(
            "GET",
            f"{self.url}/loki/api/v1/query_range?{urlencode(asked)}",
            headers=headers,
            max_body_bytes=_BODY_BYTES,
        )
        _refuse(answer, self.token_name)
        try:
            read = msgspec.convert(answer.json(), _Answer)
        except msgspec.ValidationError as error:
            raise malformed(answer, "Loki", error) from None
        if read.data.result_type != "streams":
            raise Malformed(
                f"Loki answers with a {read.data.result_type[:40]}, no lines",
                where=answer.url,
                remedy='Let logs.query select streams, such as {app="api"}.',
            )
        lines = [
            (_time_ns(at, answer), text) for each in read.data.result for at, text in each.values
        ]
        return sorted(lines)


@dataclass(slots=True)
class LokiReading:
    """The lines of a window read so far, and the time from which on more may come."""

    source: LokiSource
    lines: LineTally
    _next_ns: int
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def advance(self) -> Tally:
        """All that Loki has by now, page by page."""
        async with self._turn:
            now_ns = int(datetime.now(UTC).timestamp() * 1e9)
            end_ns = min(now_ns, self.lines.window.end_ms * 1_000_000)
            start_ns = self._next_ns
            for _ in range(_PAGES):
                page = await self.source.page(start_ns, end_ns)
                self.lines.add(_stamped(at, text) for at, text in page)
                if len(page) < _LIMIT:
                    break
                # The last time again: more lines of it may not have found room.
                start_ns = max(page[-1][0], start_ns + 1)
            else:
                end_ns = start_ns + _LATE_NS  # there is more: the next look goes on from here
            self._next_ns = max(self._next_ns, end_ns - _LATE_NS)
        return self.lines.tally

    async def close(self) -> None:
        """Nothing stays open between two looks."""


def _time_ns(told: str, answer: Answer) -> int:
    if not (told.isascii() and told.isdigit() and len(told) <= _TIME_DIGITS):
        raise Malformed(f"Loki tells no time but {told[:40]!r}", where=answer.url)
    return int(told)


def _stamped(at_ns: int, text: str) -> bytes:
    """A line with the time that Loki keeps for it, which counts where it has none of its own."""
    stamp = datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat(timespec="milliseconds")
    return f"{stamp} {' '.join(text.splitlines())}".encode()


def _refuse(answer: Answer, token_name: str) -> None:
    if answer.status == 400:
        raise Malformed(
            f"Loki does not understand the query: {answer.excerpt(120)}",
            where=answer.url,
            remedy="Correct logs.query.",
        )
    if answer.status == 404:
        raise Malformed("there is no Loki", where=answer.url, remedy="Correct logs.source.")
    refuse(answer, "Loki", token_name or "logs.token_env")
