"""Logs that Render keeps of a service.

Source: Render's API document, ``GET /logs``: pages of at most 100, oldest first, by the times
that each answer names for the next.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import quote, urlencode

import msgspec

from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.http import HttpProbe
from pytest_chefrelease.probes.logs.lines import LineTally
from pytest_chefrelease.probes.logs.source import LogReading, Window
from pytest_chefrelease.probes.providers.render_api import API_URL, TOKEN_NAME, VENDOR
from pytest_chefrelease.probes.providers.vendor_api import VendorApi
from pytest_chefrelease.probes.vendor_answers import Moment
from pytest_chefrelease.runbook.log_tally import Tally

__all__ = ["API_URL", "TOKEN_NAME", "RenderSource"]

_LIMIT = 100
_PAGES = 50
_LATE_MS = 30_000


class _Service(msgspec.Struct, rename="camel"):
    owner_id: str


class _Log(msgspec.Struct):
    message: str
    timestamp: Moment


class _Page(msgspec.Struct, rename="camel"):
    has_more: bool
    next_start_time: Moment
    next_end_time: Moment
    logs: list[_Log]


@dataclass(frozen=True, slots=True)
class RenderSource:
    """The logs of one service."""

    every_s: ClassVar[float] = 5.0
    http: HttpProbe
    service: str
    token: str = field(repr=False)
    api_url: str = API_URL
    token_name: str = TOKEN_NAME

    @property
    def place(self) -> str:
        """The service."""
        return f"Render service {self.service}"

    @property
    def api(self) -> VendorApi:
        """Render's API."""
        return VendorApi(self.http, VENDOR, self.api_url, self.token, self.token_name)

    def reading(self, window: Window) -> LogReading:
        """Read what Render keeps of a window, and what is added to it."""
        return RenderReading(self, LineTally(window), window.start_ms)


@dataclass(slots=True)
class RenderReading:
    """The lines of a window read so far, and the time from which on more may come."""

    source: RenderSource
    lines: LineTally
    _next_ms: int
    _owner: str = ""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def advance(self) -> Tally:
        """All that Render has by now, page by page."""
        async with self._turn:
            self._owner = self._owner or await self._ask_owner()
            start = datetime.fromtimestamp(self._next_ms / 1000, UTC)
            now = datetime.now(UTC)
            end = min(now, datetime.fromtimestamp(min(self.lines.window.end_ms / 1000, 9e9), UTC))
            for _ in range(_PAGES):
                page = await self._page(start, end)
                self.lines.add(
                    f"{log.timestamp.isoformat()} {' '.join(log.message.splitlines())}".encode()
                    for log in page.logs
                )
                self._next_ms = max(
                    self._next_ms, int(page.next_start_time.timestamp() * 1000) - _LATE_MS
                )
                if not page.has_more:
                    break
                start, end = page.next_start_time, page.next_end_time
        return self.lines.tally

    async def close(self) -> None:
        """Nothing stays open between two looks."""

    async def _ask_owner(self) -> str:
        service = quote(self.source.service, safe="")
        answer = await self.source.api.get(f"/services/{service}")
        if answer.status == 404:
            raise NotConfigured(
                f"Render knows no service {self.source.service}",
                where=answer.url,
                remedy="Correct logs.source or provider.app: the id begins with srv-.",
            )
        return self.source.api.read(answer, _Service).owner_id

    async def _page(self, start: datetime, end: datetime) -> _Page:
        asked = {
            "ownerId": self._owner,
            "resource": self.source.service,
            "type": "app",
            "direction": "forward",
            "limit": _LIMIT,
            "startTime": start.isoformat(),
            "endTime": end.isoformat(),
        }
        answer = await self.source.api.get(f"/logs?{urlencode(asked)}")
        return self.source.api.read(answer, _Page)
