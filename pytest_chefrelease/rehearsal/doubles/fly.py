"""Fly.io's Machines API with ChefCloud's two apps, as far as a release gate reads it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field

from pytest_chefrelease.rehearsal.doubles.double import Double, Token, json_answer
from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.rehearsal.site import Site
from pytest_chefrelease.rehearsal.world import Build, World

if TYPE_CHECKING:
    from aiohttp import web

API_APP, WEB_APP = "chefcloud-prod-api", "chefcloud-prod-web"
DATABASE_APP = "chefcloud-prod-db"
REGIONS = ("fra", "arn")
_PORTS = {API_APP: 3001, WEB_APP: 3000}
_VOLUME = "vol_4qk2n8w1zr6d5x0v"
_SECRETS = ("DATABASE_URL", "JWT_SECRET", "SENTRY_DSN", "WH_SECRET")

Entry = dict[str, str | int | list[int]]
"""A machine: app, id, region, state, check, build (its place in ``builds``), exits_ago_s."""


def machine(app: str, number: int, **changes: str | int | list[int]) -> Entry:
    """A machine in its usual state, with changes."""
    identity = hashlib.sha256(f"{app} {number}".encode()).hexdigest()[:14]
    usual: Entry = {
        "app": app,
        "id": identity,
        "region": REGIONS[number],
        "state": "started",
        "check": "passing",
        "build": -1,
        "exits_ago_s": [],
    }
    return usual | changes


def fleet(**second_of_api: str | int | list[int]) -> list[Entry]:
    """Two machines for each app; the API's second one may differ."""
    return [
        machine(API_APP, 0),
        machine(API_APP, 1, **second_of_api),
        machine(WEB_APP, 0),
        machine(WEB_APP, 1),
    ]


def deployed(*builds: Build) -> dict[str, Json]:
    """The fields of ``State`` after builds were deployed one after the other."""
    return {"builds": [build.fields() for build in builds]}


class State(Struct, frozen=True):
    """What was deployed, oldest first, the machines that run it, and the database's snapshots."""

    builds: list[dict[str, str]]
    machines: list[Entry] = field(default_factory=fleet)
    auto_backup: bool = True
    snapshots_ago_h: list[int] = field(default_factory=lambda: [57, 33, 9])


def build(world: World) -> Site:
    """The double of the organization that production runs in."""
    build = world.plants["production"].build
    initial = State([{key: str(value) for key, value in build.fields().items()}])
    routes = {
        "/v1/apps/{app}/machines": _machines,
        "/v1/apps/{app}/machines/{id}/versions": _versions,
        "/v1/apps/{app}/secrets": _secrets,
        f"/v1/apps/{DATABASE_APP}/volumes": _volumes,
        f"/v1/apps/{DATABASE_APP}/volumes/{_VOLUME}/snapshots": _snapshots,
    }
    return Double("fly", initial, routes, Token(world.fly_token, "error"))


def _machines(state: State, request: web.Request) -> web.Response:
    return json_answer([_machine(state, entry) for entry in _of(state, request)])


def _versions(state: State, request: web.Request) -> web.Response:
    for entry in _of(state, request):
        if entry["id"] == request.match_info["id"]:
            app = str(entry["app"])
            versions: list[Json] = [
                {"version": _version(number), "user_config": _config(app, one, number)}
                for number, one in enumerate(state.builds, start=1)
            ]
            return json_answer(versions[::-1])
    return json_answer({"error": "machine not found"}, status=404)


def _secrets(state: State, request: web.Request) -> web.Response:
    _of(state, request)
    listed: list[Json] = [
        {
            "name": name,
            "digest": hashlib.sha256(name.encode()).hexdigest()[:16],
            "created_at": "2026-01-12T09:00:00Z",
            "updated_at": _stamp(time.time() - 30 * 86_400),
        }
        for name in _SECRETS
    ]
    return json_answer({"secrets": listed})


def _volumes(state: State, _request: web.Request) -> web.Response:
    volume: dict[str, Json] = {
        "id": _VOLUME,
        "name": "pg_data",
        "state": "created",
        "size_gb": 10,
        "region": REGIONS[0],
        "encrypted": True,
        "created_at": "2025-03-04T10:00:00Z",
        "auto_backup_enabled": state.auto_backup,
        "snapshot_retention": 5,
    }
    return json_answer([volume])


def _snapshots(state: State, _request: web.Request) -> web.Response:
    listed: list[Json] = [
        {
            "id": f"vs_{ago_h:04d}",
            "created_at": _stamp(time.time() - ago_h * 3_600),
            "status": "created",
            "retention_days": 5,
            "size": 41_000_000,
        }
        for ago_h in state.snapshots_ago_h
    ]
    return json_answer(listed)


def _of(state: State, request: web.Request) -> list[Entry]:
    """The machines of the app that is asked about."""
    from aiohttp import web

    app = request.match_info["app"]
    if app not in _PORTS:
        raise web.HTTPNotFound(text='{"error": "app not found"}', content_type="application/json")
    return [entry for entry in state.machines if entry["app"] == app]


def _machine(state: State, entry: Entry) -> Json:
    app, index = str(entry["app"]), int(str(entry["build"]))
    number = index + len(state.builds) + 1 if index < 0 else index + 1
    build = state.builds[number - 1]
    config = _config(app, build, number)
    check = str(entry["check"])
    return {
        "id": entry["id"],
        "name": f"{app}-{entry['region']}",
        "state": entry["state"],
        "region": entry["region"],
        "instance_id": _version(number),
        "private_ip": "fdaa:2:45b:a7b:1f60:8a3c:5d2e:2",
        "created_at": build["built_at"],
        "updated_at": build["built_at"],
        "host_status": "ok",
        "image_ref": _image_ref(app, build),
        "config": config,
        "checks": [
            {
                "name": f"servicecheck-00-http-{_PORTS[app]}",
                "status": check,
                "output": "" if check == "passing" else "connect: connection refused",
                "updated_at": _stamp(time.time() - 20),
            }
        ],
        "events": _events(entry),
    }


def _events(entry: Entry) -> list[Json]:
    exits = entry["exits_ago_s"]
    return [
        {
            "id": f"01JEVENT{number:018d}",
            "type": "exit",
            "status": "stopped",
            "source": "flyd",
            "timestamp": int((time.time() - ago_s) * 1000),
            "request": {
                "exit_event": {
                    "requested_stop": False,
                    "restarting": True,
                    "exit_code": 137,
                    "oom_killed": True,
                },
                "restart_count": number,
            },
        }
        for number, ago_s in enumerate(exits if isinstance(exits, list) else [], start=1)
    ]


def _config(app: str, build: Mapping[str, str], number: int) -> Json:
    return {
        "image": _image(app, build),
        "env": {
            "NODE_ENV": "production",
            "BUILD_VERSION": build["version"],
            "BUILD_SHA": build["commit"],
        },
        "metadata": {
            "fly_platform_version": "v2",
            "fly_process_group": "app",
            "fly_release_version": str(40 + number),
        },
        "services": [
            {
                "protocol": "tcp",
                "internal_port": _PORTS[app],
                "autostart": True,
                "min_machines_running": len(REGIONS),
            }
        ],
        "restart": {"policy": "on-failure", "max_retries": 10},
    }


def _image(app: str, build: Mapping[str, str]) -> str:
    return f"registry.fly.io/{app}:{_tag(build)}"


def _tag(build: Mapping[str, str]) -> str:
    return "deployment-" + hashlib.sha256(build["commit"].encode()).hexdigest()[:26].upper()


def _image_ref(app: str, build: Mapping[str, str]) -> Json:
    content = f"{app} {build['version']} {build['commit']}"
    return {
        "registry": "registry.fly.io",
        "repository": app,
        "tag": _tag(build),
        "digest": "sha256:" + hashlib.sha256(content.encode()).hexdigest(),
        "labels": {"org.opencontainers.image.revision": build["commit"]},
    }


def _version(number: int) -> str:
    """An identity that sorts as a ULID does."""
    return f"01JD{number:022d}"


def _stamp(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
