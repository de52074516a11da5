"""Render's API with a web service, its deploys and database, as far as a release gate reads it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field

from pytest_chefrelease.rehearsal.doubles.bearer import guarded
from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.rehearsal.site import Site, changed
from pytest_chefrelease.rehearsal.world import World

if TYPE_CHECKING:
    from aiohttp import web

SERVICE = "srv-d1chefcloudapi00prod"
DATABASE = "dpg-d1chefclouddb000prod-a"
_OPEN = ("created", "queued", "build_in_progress", "pre_deploy_in_progress", "update_in_progress")

Entry = dict[str, str | int]
"""A deploy: id, commit, status, and how many seconds ago it was made."""


def deploy(number: int, commit: str, status: str, ago_s: int) -> Entry:
    """A deploy of a commit."""
    return {"id": f"dep-d1chefcloud{number:09d}", "commit": commit, "status": status,
            "ago_s": ago_s}  # fmt: skip


class State(Struct, frozen=True):
    """The deploys, newest first, and how long ago each instance was started.

    ``failures_ago_s`` are the times at which the instance of the number ``failing`` ended.
    ``recovery`` is what is said of the database's recovery to a point in time, which begins
    ``recovery_ago_s`` ago.
    """

    deploys: list[Entry]
    instances_ago_s: list[int] = field(default_factory=lambda: [60, 60])
    failures_ago_s: list[int] = field(default_factory=list)
    failing: int = 0
    wanted: int = 2
    type: str = "web_service"
    suspended: str = "not_suspended"
    recovery: str = "AVAILABLE"
    recovery_ago_s: int = 7 * 86_400


def build(world: World) -> Site:
    """The double of the workspace that production runs in."""
    return Render(world)


class Render:
    """Answers about one service and its database."""

    name = "render"

    def __init__(self, world: World) -> None:
        commit = world.plants["production"].build.commit
        self._initial = State([deploy(1, commit, "live", 90)])
        self._token = world.render_token
        self.state = self._initial

    def change(self, fields: Mapping[str, Json]) -> None:
        """Set fields of ``State``."""
        self.state = changed(self.state, fields)

    def reset(self) -> None:
        """Run as at the start."""
        self.state = self._initial

    def application(self) -> web.Application:
        """Routes behind the token."""
        from aiohttp import web

        application = web.Application(middlewares=[guarded(self._token, "message")])
        add = application.router.add_get
        add(f"/v1/services/{SERVICE}", self._service)
        add(f"/v1/services/{SERVICE}/deploys", self._deploys)
        add(f"/v1/services/{SERVICE}/instances", self._instances)
        add(f"/v1/services/{SERVICE}/events", self._events)
        add(f"/v1/postgres/{DATABASE}/recovery", self._recovery)
        return application

    async def _recovery(self, _: web.Request) -> web.Response:
        from aiohttp import web

        said: dict[str, Json] = {"recoveryStatus": self.state.recovery}
        if self.state.recovery == "AVAILABLE":
            said["startsAt"] = _stamp(self.state.recovery_ago_s)
        return web.json_response(said)

    async def _service(self, _: web.Request) -> web.Response:
        from aiohttp import web

        return web.json_response(
            {
                "id": SERVICE,
                "name": "chefcloud-api",
                "ownerId": "tea-d1chefcloud000000000",
                "type": self.state.type,
                "autoDeploy": "no",
                "createdAt": "2026-01-12T09:00:00Z",
                "updatedAt": _stamp(90),
                "dashboardUrl": f"https://dashboard.render.example/web/{SERVICE}",
                "notifyOnFail": "notify",
                "slug": "chefcloud-api",
                "rootDir": "",
                "suspended": self.state.suspended,
                "suspenders": [],
                "serviceDetails": self._details(),
            }
        )

    def _details(self) -> Json:
        if self.state.type == "static_site":
            return {
                "buildCommand": "pnpm build",
                "publishPath": "out",
                "url": "https://chefcloud.onrender.example",
                "buildPlan": "starter",
            }
        return {
            "env": "node",
            "runtime": "node",
            "envSpecificDetails": {"buildCommand": "pnpm build", "startCommand": "pnpm start"},
            "plan": "standard",
            "region": "frankfurt",
            "numInstances": self.state.wanted,
            "buildPlan": "starter",
            "healthCheckPath": "/health",
            "openPorts": [{"port": 3001, "protocol": "TCP"}],
            "url": "https://chefcloud-api.onrender.example",
        }

    async def _deploys(self, request: web.Request) -> web.Response:
        from aiohttp import web

        return web.json_response(_page(request, "deploy", map(_deploy, self.state.deploys)))

    async def _instances(self, _: web.Request) -> web.Response:
        from aiohttp import web

        listed = [
            {"id": f"{SERVICE}-{number:05d}", "createdAt": _stamp(ago_s)}
            for number, ago_s in enumerate(self.state.instances_ago_s)
        ]
        return web.json_response(listed)

    async def _events(self, request: web.Request) -> web.Response:
        from aiohttp import web

        events: list[Json] = [
            {
                "id": f"evt-d1chefcloud{number:09d}",
                "timestamp": _stamp(ago_s),
                "serviceId": SERVICE,
                "type": "server_failed",
                "details": {
                    "instanceID": f"{SERVICE}-{self.state.failing:05d}",
                    "reason": {"evicted": False, "nonZeroExit": 137},
                },
            }
            for number, ago_s in enumerate(self.state.failures_ago_s)
            if request.query.get("type") in (None, "server_failed")
        ]
        return web.json_response(_page(request, "event", events))


def _page(request: web.Request, name: str, items: Sequence[Json] | map[Json]) -> list[Json]:
    limit = int(request.query.get("limit", "20"))
    rows = [{name: item, "cursor": f"cursor{number}"} for number, item in enumerate(items)]
    return list(rows[:limit])


def _deploy(entry: Entry) -> Json:
    ago_s, status = int(entry["ago_s"]), str(entry["status"])
    return {
        "id": entry["id"],
        "commit": {
            "id": entry["commit"],
            "message": "chore(release)",
            "createdAt": _stamp(ago_s + 3_600),
        },
        "status": status,
        "trigger": "api",
        "createdAt": _stamp(ago_s),
        "updatedAt": _stamp(ago_s),
        "finishedAt": None if status in _OPEN else _stamp(ago_s - 20),
    }


def _stamp(ago_s: float) -> str:
    at = datetime.fromtimestamp(time.time() - ago_s, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
