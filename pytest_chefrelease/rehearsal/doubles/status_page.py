"""A vendor's status page, as statuspage.io serves it: ``/api/v2/status.json``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from pytest_chefrelease.rehearsal.doubles.double import Double, json_answer
from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.rehearsal.site import Site
from pytest_chefrelease.rehearsal.world import World

if TYPE_CHECKING:
    from aiohttp import web


class State(Struct, frozen=True):
    """``indicator`` is none, minor, major, critical or maintenance."""

    indicator: str = "none"
    description: str = "All Systems Operational"


def build(_: World) -> Site:
    """The page of the provider that ChefCloud runs at."""
    return Double("status", State(), {"/api/v2/status.json": _status})


def _status(state: State, request: web.Request) -> web.Response:
    page: dict[str, Json] = {
        "id": "chefhosting",
        "name": "Chef Hosting",
        "url": str(request.url.origin()),
        "time_zone": "Etc/UTC",
        "updated_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    status = {"indicator": state.indicator, "description": state.description}
    return json_answer({"page": page, "status": status})
