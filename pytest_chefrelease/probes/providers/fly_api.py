"""Fly.io's Machines API, as far as a release gate reads it.

Source: Fly.io's Machines API document. ``show_secrets`` is never asked for. What an exit event
holds stands in "Machine events" of Fly.io's documents.
"""

from __future__ import annotations

from typing import Annotated, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.http import HttpProbe
from pytest_chefrelease.probes.providers.vendor_api import VendorApi
from pytest_chefrelease.probes.vendor_answers import Moment

API_URL = "https://api.machines.dev/v1"
TOKEN_NAME = "FLY_API_TOKEN"  # noqa: S105 (a variable's name)
VENDOR = "Fly.io"
_LATEST_MS = 10**15  # in the year 33658

Document = TypeVar("Document")


class Secret(msgspec.Struct):
    """A secret of an app: never its value."""

    name: str
    created_at: Moment | None = None
    updated_at: Moment | None = None


class _Secrets(msgspec.Struct):
    secrets: list[Secret] | None = None


class Volume(msgspec.Struct):
    """A disk of an app; ``snapshot_retention`` is in days."""

    id: str
    name: str = ""
    state: str = ""
    auto_backup_enabled: bool = False
    snapshot_retention: int | None = None


class Snapshot(msgspec.Struct):
    """A snapshot of a disk."""

    id: str
    created_at: Moment
    status: str = ""


class ImageRef(msgspec.Struct):
    """The image that a machine runs, as Fly.io resolved it."""

    registry: str = ""
    repository: str = ""
    tag: str = ""
    digest: str = ""
    labels: dict[str, str] | None = None


class Service(msgspec.Struct):
    """A service of a machine; ``autostop`` is off, stop or suspend, or the older boolean."""

    autostop: str | bool | None = None
    min_machines_running: int | None = None


class Config(msgspec.Struct):
    """A machine's configuration; ``standbys`` are the machines that it stands in for."""

    image: str = ""
    env: dict[str, str] | None = None
    metadata: dict[str, str] | None = None
    services: list[Service] | None = None
    standbys: list[str] | None = None


class ExitEvent(msgspec.Struct):
    """How a machine's main process ended."""

    requested_stop: bool = False
    oom_killed: bool = False
    exit_code: int | None = None


class EventRequest(msgspec.Struct):
    """What an event was about."""

    exit_event: ExitEvent | None = None


class Event(msgspec.Struct):
    """Something that happened to a machine; ``timestamp`` is in milliseconds since the epoch."""

    type: str = ""
    timestamp: Annotated[int, msgspec.Meta(ge=0, le=_LATEST_MS)] = 0
    request: EventRequest | None = None


class Check(msgspec.Struct):
    """A health check of a machine: passing, warning or critical."""

    name: str = ""
    status: str = ""
    output: str = ""


class Machine(msgspec.Struct):
    """A machine as it is now."""

    id: str
    state: str
    region: str = ""
    host_status: str = "ok"
    image_ref: ImageRef = msgspec.field(default_factory=ImageRef)
    config: Config | None = None
    checks: list[Check] | None = None
    events: list[Event] | None = None


class MachineVersion(msgspec.Struct):
    """A configuration that a machine had; versions are ULIDs, which sort by time."""

    version: str
    user_config: Config | None = None


class FlyApi(Struct, frozen=True):
    """Reads apps' machines, versions and secrets' names; ``token`` may be one that only reads."""

    api: VendorApi

    @classmethod
    def at(
        cls,
        http: HttpProbe,
        token: str,
        *,
        api_url: str | None = None,
        token_name: str = TOKEN_NAME,
    ) -> FlyApi:
        """The API at its public address unless another is given."""
        return cls(VendorApi(http, VENDOR, api_url or API_URL, token, token_name))

    async def secrets(self, app: str) -> list[Secret]:
        """The app's secrets. Raises ProbeErrors."""
        return (await self._read(app, "/secrets", _Secrets)).secrets or []

    async def machines(self, app: str) -> list[Machine]:
        """The app's machines, those of release commands and consoles too. Raises ProbeErrors."""
        return await self._read(app, "/machines", list[Machine])

    async def versions(self, app: str, machine: str) -> list[MachineVersion]:
        """A machine's configurations. Raises ProbeErrors."""
        path = f"/machines/{quote(machine, safe='')}/versions"
        return await self._read(app, path, list[MachineVersion])

    async def volumes(self, app: str) -> list[Volume]:
        """The app's disks. Raises ProbeErrors."""
        return await self._read(app, "/volumes", list[Volume])

    async def snapshots(self, app: str, volume: str) -> list[Snapshot]:
        """The snapshots of a disk. Raises ProbeErrors."""
        return await self._read(app, f"/volumes/{quote(volume, safe='')}/snapshots", list[Snapshot])

    async def _read(self, app: str, path: str, kind: type[Document]) -> Document:
        answer = await self.api.get(f"/apps/{quote(app, safe='')}{path}")
        if answer.status == 404:
            raise NotConfigured(
                f"{VENDOR} knows no app {app}",
                where=answer.url,
                remedy="Correct provider.app, or use a token of that app's organization.",
            )
        return self.api.read(answer, kind)
