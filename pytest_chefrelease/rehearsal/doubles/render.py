"""Render's API with a web service, its deploys and database, as far as a release gate reads it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field

from pytest_chefrelease.rehearsal.doubles.double import Double, Token, json_answer
from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.rehearsal.site import Site
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
    commit = world.plants["production"].build.commit
    routes = {
        f"/v1/services/{SERVICE}": _service,
        f"/v1/services/{SERVICE}/deploys": _deploys,
        f"/v1/services/{SERVICE}/instances": _instances,
        f"/v1/services/{SERVICE}/events": _events,
        f"/v1/postgres/{DATABASE}/recovery": _recovery,
    }
    initial = State([deploy(1, commit, "live", 90)])
    return Double("render", initial, routes, Token(world.render_token, "message"))


def _recovery(state: State, _: web.Request) -> web.Response:
    said: dict[str, Json] = {"recoveryStatus": state.recovery}
    if state.recovery == "AVAILABLE":
        said["startsAt"] = _stamp(state.recovery_ago_s)
    return json_answer(said)


def _service(state: State, _: web.Request) -> web.Response:
    return json_answer(
        {
            "id": SERVICE,
            "name": "chefcloud-api",
            "ownerId": "tea-d1chefcloud000000000",
            "type": state.type,
            "autoDeploy": "no",
            "createdAt": "2026-01-12T09:00:00Z",
            "updatedAt": _stamp(90),
            "dashboardUrl": f"https://dashboard.render.example/web/{SERVICE}",
            "notifyOnFail": "notify",
            "slug": "chefcloud-api",
            "rootDir": "",
            "suspended": state.suspended,
            "suspenders": [],
            "serviceDetails": _details(state),
        }
    )


def _details(state: State) -> Json:
    if state.type == "static_site":
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
        "numInstances": state.wanted,
        "buildPlan": "starter",
        "healthCheckPath": "/health",
        "openPorts": [{"port": 3001, "protocol": "TCP"}],
        "url": "https://chefcloud-api.onrender.example",
    }


def _deploys(state: State, request: web.Request) -> web.Response:
    return json_answer(_page(request, "deploy", map(_deploy, state.deploys)))


def _instances(state: State, _: web.Request) -> web.Response:
    listed = [
        {"id": f"{SERVICE}-{number:05d}", "createdAt": _stamp(ago_s)}
        for number, ago_s in enumerate(state.instances_ago_s)
    ]
    return json_answer(listed)


def _events(state: State, request: web.Request) -> web.Response:
    events: list[Json] = [
        {
            "id": f"evt-d1chefcloud{number:09d}",
            "timestamp": _stamp(ago_s),
            "serviceId": SERVICE,
            "type": "server_failed",
            "details": {
                "instanceID": f"{SERVICE}-{state.failing:05d}",
                "reason": {"evicted": False, "nonZeroExit": 137},
            },
        }
        for number, ago_s in enumerate(state.failures_ago_s)
        if request.query.get("type") in (None, "server_failed")
    ]
    return json_answer(_page(request, "event", events))


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
