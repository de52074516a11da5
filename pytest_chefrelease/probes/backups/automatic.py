"""Backups that a provider takes by itself: are they on, and when was the last.

Sources: Fly.io's Machines API (volumes and their snapshots), Render's API (point-in-time
recovery).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.http import HttpProbe
from pytest_chefrelease.probes.providers import fly_api, render_api
from pytest_chefrelease.probes.providers.fly_api import FlyApi, Snapshot, Volume
from pytest_chefrelease.probes.providers.render_api import RenderApi
from pytest_chefrelease.probes.vendor_answers import token_from
from pytest_chefrelease.settings.model import Settings


class Automatic(Struct, frozen=True):
    """What a provider says of one database or disk.

    ``is_on`` is None where it says neither; ``newest`` is the last backup, or the point up to
    which it can be brought back; ``said`` are the provider's words.
    """

    place: str
    is_on: bool | None
    newest: datetime | None
    said: str
    takes_moments: bool = True


@dataclass(frozen=True, slots=True)
class AutomaticSurroundings:
    """What is needed to ask; ``token_env`` and ``api_url`` replace the usual ones."""

    environment: Mapping[str, str] = field(repr=False)
    http: HttpProbe
    token_env: str | None = None
    api_url: str | None = None


def surroundings_of(
    settings: Settings, source: str, environment: Mapping[str, str], http: HttpProbe
) -> AutomaticSurroundings:
    """The provider's own token and address, where it is the same as [provider]'s."""
    provider = settings.provider
    is_same = provider.name == source.partition(":")[0]
    return AutomaticSurroundings(
        environment=environment,
        http=http,
        token_env=provider.token_env if is_same else None,
        api_url=provider.api_url if is_same else settings.backup.api_url,
    )


async def ask_automatic(source: str, around: AutomaticSurroundings) -> tuple[Automatic, ...]:
    """What the provider in ``backup.automatic`` says. Raises ProbeErrors."""
    kind, _, name = source.partition(":")
    if kind == "fly":
        variable = around.token_env or fly_api.TOKEN_NAME
        token = token_from(around.environment, variable, fly_api.VENDOR)
        fly = FlyApi.at(around.http, token, api_url=around.api_url, token_name=variable)
        return await _fly(fly, name)
    variable = around.token_env or render_api.TOKEN_NAME
    token = token_from(around.environment, variable, render_api.VENDOR)
    render = RenderApi.at(around.http, token, api_url=around.api_url, token_name=variable)
    return (await _render(render, name),)


async def _fly(api: FlyApi, app: str) -> tuple[Automatic, ...]:
    volumes = [volume for volume in await api.volumes(app) if "destroy" not in volume.state]
    if not volumes:
        raise NotConfigured(
            f"the Fly.io app {app} has no volume",
            expected="the app of production's database",
            remedy="Correct backup.automatic.",
        )
    taken = await asyncio.gather(*(api.snapshots(app, volume.id) for volume in volumes))
    return tuple(_volume(v, snapshots) for v, snapshots in zip(volumes, taken, strict=True))


def _volume(volume: Volume, snapshots: list[Snapshot]) -> Automatic:
    days = f", kept {volume.snapshot_retention} days" if volume.snapshot_retention else ""
    return Automatic(
        place=f"Fly.io volume {volume.id}",
        is_on=volume.auto_backup_enabled,
        newest=max((snapshot.created_at for snapshot in snapshots), default=None),
        said=f"{len(snapshots)} snapshots{days}",
    )


async def _render(api: RenderApi, database: str) -> Automatic:
    recovery = await api.recovery(database)
    since = f" since {recovery.starts_at:%Y-%m-%d %H:%M}" if recovery.starts_at else ""
    return Automatic(
        place=f"Render database {database}",
        is_on={"AVAILABLE": True, "NOT_AVAILABLE": False}.get(recovery.recovery_status),
        newest=None,
        said=f"point-in-time recovery {recovery.recovery_status}{since}",
        takes_moments=False,
    )
