"""The rehearsal's doubles of Fly.io and Render on loopback, for the time of a block."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from pytest_chefrelease.rehearsal.doubles import fly, render
from pytest_chefrelease.rehearsal.world import Build, Plant, World

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.site import Site

PREVIOUS = Build("v1.4.2", "b" * 40, "2026-11-20T08:00:00Z")
RELEASE = Build("v1.5.0", "c0ffee5" + "0" * 33, "2026-11-24T08:00:00Z")
TOKENS = {"FLY_API_TOKEN": "fo1_test", "RENDER_API_KEY": "rnd_test"}
WORLD = World(
    origin="",
    slug="chefcloud/chefcloud",
    release_commit=RELEASE.commit,
    plants={"production": Plant(PREVIOUS, "", "", "")},
    github_token="",
    fly_token=TOKENS["FLY_API_TOKEN"],
    render_token=TOKENS["RENDER_API_KEY"],
    redis_password="",
    control_token="",
    database_pid=0,
    database_folder="",
)


@dataclass
class Running:
    """A double and its address, as ``provider.api_url`` takes it."""

    url: str
    double: Site


@asynccontextmanager
async def serving_fly() -> AsyncIterator[Running]:
    """Fly.io, where the previous release runs on two machines for each app."""
    async with _serving(fly.build(WORLD)) as running:
        yield running


@asynccontextmanager
async def serving_render() -> AsyncIterator[Running]:
    """Render, where the previous release's deploy is live."""
    async with _serving(render.build(WORLD)) as running:
        yield running


@asynccontextmanager
async def _serving(double: Site) -> AsyncIterator[Running]:
    runner = web.AppRunner(double.application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield Running(f"http://{host}:{port}/v1", double)
    finally:
        await runner.cleanup()
