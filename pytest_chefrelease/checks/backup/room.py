"""Room on a disk, asked for before it is taken."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from pytest_chefrelease.checks.backup.words import size
from pytest_chefrelease.errors import Unreachable


async def demand_room(folder: Path, needed_bytes: int, what: str) -> None:
    """Raises Unreachable where ``what`` needs more than the folder's disk has free."""
    free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
    if free < needed_bytes:
        raise Unreachable(
            f"{what} needs {size(needed_bytes)}, {size(free)} are free",
            where=str(folder),
            remedy="Make room, or let TMPDIR name a larger disk.",
        )
