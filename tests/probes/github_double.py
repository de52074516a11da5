"""The rehearsal's double of GitHub on loopback, for the time of a block."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from msgspec.structs import replace

from pytest_chefrelease.rehearsal.doubles.github.site import GitHub
from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.rehearsal.world import World

TOKEN = "ghp_" + "t" * 36
SLUG = "chefcloud/chefcloud"


@dataclass
class Running:
    """The double, its address, and what was asked of it: path with query, and the answer."""

    url: str
    double: GitHub
    asked: list[tuple[str, int]] = field(default_factory=list)


@asynccontextmanager
async def github(commit: str, origin: Path = Path("/"), **state: Json) -> AsyncIterator[Running]:
    """All green for ``commit`` but for the fields of ``state``."""
    urls: dict[str, str] = {}
    double = GitHub(_world(commit, origin, urls))
    double.state = replace(double.state, **state)
    application = double.application()
    running = Running("", double)

    async def note(request: web.Request, answer: web.StreamResponse) -> None:
        running.asked.append((request.path_qs, answer.status))

    application.on_response_prepare.append(note)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    running.url = urls["github"] = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield running
    finally:
        await runner.cleanup()


def _world(commit: str, origin: Path, urls: dict[str, str]) -> World:
    return World(
        origin=str(origin),
        slug=SLUG,
        release_commit=commit,
        plants={},
        github_token=TOKEN,
        fly_token="",
        render_token="",
        redis_password="",
        control_token="",
        database_pid=0,
        database_folder="",
        urls=urls,
    )
