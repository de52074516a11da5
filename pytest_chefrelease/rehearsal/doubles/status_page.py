"""A vendor's status page, as statuspage.io serves it: ``/api/v2/status.json``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.rehearsal.site import Site, changed
from pytest_chefrelease.rehearsal.world import World

if TYPE_CHECKING:
    from aiohttp import web


class State(Struct, frozen=True):
    """``indicator`` is none, minor, major, critical or maintenance."""

    indicator: str = "none"
    description: str = "All Systems Operational"


def build(_: World) -> Site:
    """The page of the provider that ChefCloud runs at."""
    return StatusPage()


class StatusPage:
    """One vendor's page."""

    name = "status"

    def __init__(self) -> None:
        self.state = State()

    def change(self, fields: Mapping[str, Json]) -> None:
        """Set fields of ``State``."""
        self.state = changed(self.state, fields)

    def reset(self) -> None:
        """No incident."""
        self.state = State()

    def application(self) -> web.Application:
        """The one document that a gate reads."""
        from aiohttp import web

        application = web.Application()
        application.router.add_get("/api/v2/status.json", self._status)
        return application

    async def _status(self, request: web.Request) -> web.Response:
        from aiohttp import web

        page: dict[str, Json] = {
            "id": "chefhosting",
            "name": "Chef Hosting",
            "url": str(request.url.origin()),
            "time_zone": "Etc/UTC",
            "updated_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        status = {"indicator": self.state.indicator, "description": self.state.description}
        return web.json_response({"page": page, "status": status})
