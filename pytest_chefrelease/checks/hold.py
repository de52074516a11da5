"""Keeps other checks off the target while one measures it, also across processes.

Within a process the scheduler starts measuring checks last. Under pytest-xdist the workers
know nothing of each other: there, a lock on a file of the run is held shared by ordinary
checks and exclusively by those that measure.
"""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from pytest_chefrelease.runbook.item import Item

_POLL_S = 0.05


class Hold(Struct, frozen=True):
    """``shared`` is the run's folder for all workers, or None where there is one process."""

    shared: Path | None = None

    @asynccontextmanager
    async def of(self, item: Item) -> AsyncIterator[None]:
        """Hold the target as the item needs it: alone while it measures, else beside others.

        The lock falls when the file is closed, also when the worker dies.
        """
        if self.shared is None:
            yield
            return
        with (self.shared / "target.lock").open("a") as file:
            mode = fcntl.LOCK_EX if item.holds_target else fcntl.LOCK_SH
            # A lock of other processes wakes nobody: it is asked for again and again.
            while not _try_lock(file.fileno(), mode):  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)
            yield


def _try_lock(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
