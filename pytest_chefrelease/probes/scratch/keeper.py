"""The servers of our own that a run needs: each started when first asked for, gone with it."""

from __future__ import annotations

import asyncio
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from pytest_chefrelease.probes.scratch.guard import Guard
from pytest_chefrelease.probes.scratch.programs import Programs, find_programs
from pytest_chefrelease.probes.scratch.server import Cluster, start

_FOR_RESTORING = {
    "shared_buffers": "128MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    # Without replicas a table that is filled in the transaction that made it needs no log.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}


@dataclass(slots=True)
class Keeper:
    """One server for each PostgreSQL that is asked for."""

    _starting: dict[Path, asyncio.Task[Cluster]] = field(default_factory=dict)
    _guards: list[Guard] = field(default_factory=list)

    async def server(self, at_least: int = 0) -> Cluster:
        """A running server of this major version or newer. Raises MissingExtra, Unreachable."""
        programs = await asyncio.to_thread(find_programs, at_least)
        if programs.directory not in self._starting:
            self._starting[programs.directory] = asyncio.create_task(self._start(programs))
        return await asyncio.shield(self._starting[programs.directory])

    async def _start(self, programs: Programs) -> Cluster:
        def begin() -> Cluster:
            password = secrets.token_urlsafe(24)
            return start(password, programs=programs, settings=_FOR_RESTORING)

        starting = asyncio.create_task(asyncio.to_thread(begin))
        try:
            cluster = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The thread goes on all the same: what it has started must not stay.
            (await starting).stop()
            raise
        self._guards.append(Guard.over(cluster.pid, cluster.folder))
        return cluster

    async def close(self) -> None:
        """Stop every server and remove its folder."""
        for starting in self._starting.values():
            # One that is still starting, for whoever has given up meanwhile, would stay.
            await asyncio.wait((starting,))
            if not starting.cancelled() and starting.exception() is None:
                await asyncio.to_thread(starting.result().stop)
        for guard in self._guards:
            guard.release()
        self._starting.clear()
        self._guards.clear()


def jobs(most: int) -> int:
    """How many processes restore at a time: as many as there are processors, and no more."""
    return min(most, os.cpu_count() or 1)
