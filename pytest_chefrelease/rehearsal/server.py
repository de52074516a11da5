"""The server process: ChefCloud's production and staging, and the doubles, a port for each.

``python -m pytest_chefrelease.rehearsal.server`` reads the world as one line of JSON from
standard input, and prints one line of JSON with the port of each site once all of them
listen. It ends when its standard input ends, so that it never outlives whoever started it.
Secrets come in by that pipe too: no file and no process listing has them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec
from aiohttp import web

from pytest_chefrelease.rehearsal.chefcloud.api import Api
from pytest_chefrelease.rehearsal.chefcloud.settings import Environment, Running
from pytest_chefrelease.rehearsal.chefcloud.web_front import WebFront
from pytest_chefrelease.rehearsal.control import control
from pytest_chefrelease.rehearsal.doubles import BUILDERS
from pytest_chefrelease.rehearsal.doubles.redis import Redis
from pytest_chefrelease.rehearsal.listener import Listener, Served, bound_to
from pytest_chefrelease.rehearsal.site import Site
from pytest_chefrelease.rehearsal.world import Plant, World

END = "end\n"
"""The last word of whoever started us, when everything else is in order."""


def build_sites(world: World) -> list[Site]:
    """All sites, knowing each other's addresses."""
    chefcloud = [
        site for name, plant in world.plants.items() for site in _sites(name, plant, world)
    ]
    return chefcloud + [builder(world) for builder in BUILDERS.values()]


def _sites(name: str, plant: Plant, world: World) -> list[Site]:
    running = Running(plant.build.version, plant.build.commit, plant.build.built_at)
    environment = Environment(
        name=name,
        database_url=plant.database_url,
        jwt_secret=plant.jwt_secret,
        log=Path(plant.log),
        started_at=datetime.fromisoformat(plant.build.built_at),
    )
    return [
        Api(environment, running, {world.urls[f"{name}-web"]}),
        WebFront(name, running, world.urls[f"{name}-api"]),
    ]


async def serve(world: World) -> None:
    """Serve until standard input ends; without the word that all is in order, clean up."""
    chefcloud = [f"{name}-{part}" for name in world.plants for part in ("api", "web")]
    sockets = {name: bound_to(0) for name in (*chefcloud, *BUILDERS, Redis.name, "control")}
    ports = {name: bound.getsockname()[1] for name, bound in sockets.items()}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    listeners: dict[str, Served] = {
        site.name: Listener(site, sockets[site.name])
        for site in build_sites(replace(world, urls=urls))
    }
    listeners[Redis.name] = Redis(sockets[Redis.name], world.redis_password)
    runner = await _start_control(listeners, world.control_token, sockets["control"])
    for listener in listeners.values():
        await listener.start()
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    last_word = await asyncio.to_thread(sys.stdin.readline)
    for listener in listeners.values():
        await listener.stop()
    await runner.cleanup()
    if last_word != END:
        _clean_up(world)


async def _start_control(
    listeners: dict[str, Served], token: str, bound: socket.socket
) -> web.AppRunner:
    runner = web.AppRunner(control(listeners, token), access_log=None)
    await runner.setup()
    await web.SockSite(runner, bound).start()
    return runner


def _clean_up(world: World) -> None:
    """End PostgreSQL and remove what is left: whoever should have done it is gone."""
    pid_file = Path(world.database_folder) / "data" / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        # The number alone may belong to somebody else by now; the file says that it does not.
        if pid_file.read_text().splitlines()[0] == str(world.database_pid):
            os.kill(world.database_pid, signal.SIGQUIT)
    for folder in (world.database_folder, *world.leftovers):
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Entry of the process."""
    # Ctrl-C in the terminal reaches the whole group: whoever started us ends us in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING)
    line = sys.stdin.readline()
    if line:
        asyncio.run(serve(msgspec.json.decode(line, type=World)))


if __name__ == "__main__":
    main()
