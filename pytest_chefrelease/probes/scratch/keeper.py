"""The servers of our own that a run needs: each started when first asked for, gone with it."""

from __future__ import annotations

import asyncio
import os
import secrets
from concurrent.futures import Future, ThreadPoolExecutor
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
    """One server for each PostgreSQL that is asked for.

    Each is started by a thread that no end of a task or of a loop reaches: what it has started
    is known here, and has its guard, whoever has given up meanwhile.
    """

    _starting: dict[Path, Future[Cluster]] = field(default_factory=dict)
    _guards: list[Guard] = field(default_factory=list)

    async def server(self, at_least: int = 0) -> Cluster:
        """A running server of this major version or newer. Raises MissingExtra, Unreachable."""
        programs = await asyncio.to_thread(find_programs, at_least)
        if programs.directory not in self._starting:
            thread = ThreadPoolExecutor(1, "chefrelease-postgres")
            self._starting[programs.directory] = thread.submit(self._start, programs)
            thread.shutdown(wait=False)
        return await asyncio.shield(asyncio.wrap_future(self._starting[programs.directory]))

    def _start(self, programs: Programs) -> Cluster:
        password = secrets.token_urlsafe(24)
        cluster = start(password, programs=programs, settings=_FOR_RESTORING)
        self._guards.append(Guard.over(cluster.pid, cluster.folder))
        return cluster

    async def close(self) -> None:
        """Stop every server and remove its folder."""
        for starting in self._starting.values():
            # One that is still starting, for whoever has given up meanwhile, would stay.
            started = asyncio.wrap_future(starting)
            await asyncio.wait((started,))
            if started.exception() is None:
                await asyncio.to_thread(started.result().stop)
        for guard in self._guards:
            guard.release()
        self._starting.clear()
        self._guards.clear()


def jobs(most: int) -> int:
    """How many processes restore at a time: as many as there are processors, and no more."""
    return min(most, os.cpu_count() or 1)
