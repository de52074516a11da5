"""The newest backup, restored into a PostgreSQL of our own, once for all items.

What follows on the restored database (the drill) is done in the same piece of work: its server
is that of whichever process did it.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from pytest_chefrelease.checks.backup.newest import Known
from pytest_chefrelease.checks.backup.reading import Read, fetched, read_newest, readable_newest
from pytest_chefrelease.checks.backup.room import demand_room
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.drill.rehearsal import Rehearsal, rehearse
from pytest_chefrelease.checks.once import Json
from pytest_chefrelease.errors import NotApplicable, ProbeError
from pytest_chefrelease.probes.backups.contents import Contents
from pytest_chefrelease.probes.backups.form import Form
from pytest_chefrelease.probes.backups.tables import LiveSize, read_size
from pytest_chefrelease.probes.scratch.keeper import jobs
from pytest_chefrelease.probes.scratch.restore import Restored, Restoring

DATABASE = "restored"
_SPARE = 1.2
_UNPACKS_TO = 10
"""What an archive may grow to where production's own size is not known."""


class Tried(Struct, frozen=True):
    """A restore and what was rehearsed on it; ``rehearsal`` is None where it did not restore."""

    restored: Restored
    needed_bytes: int
    production_major: int | None
    rehearsal: Rehearsal | None


async def try_newest(look: Context) -> tuple[Read, Tried]:
    """Raises Failed, Unverified and ProbeErrors where there is nothing to restore, or nowhere."""
    if not look.settings.backup.restore:
        raise NotApplicable("backups are not tried out here (backup.restore = false)")
    found = await readable_newest(look)
    kept = await look.once.get("backup.restored", lambda: _try(look, found))
    return await read_newest(look), msgspec.convert(kept, Tried)


async def _try(look: Context, found: Known) -> Json:
    """Restore while it is read; where that finds it unfit the restore is given up."""
    reading = asyncio.create_task(read_newest(look))
    trying = asyncio.create_task(_restore(look, found, reading))
    try:
        await asyncio.wait((reading, trying), return_when=asyncio.FIRST_EXCEPTION)
        if reading.done():
            await reading
        plain: Json = msgspec.to_builtins(await trying)
        return plain
    finally:
        for task in (reading, trying):
            task.cancel()
        await asyncio.gather(reading, trying, return_exceptions=True)


async def _restore(look: Context, found: Known, reading: asyncio.Task[Read]) -> Tried:
    live = await _live_size(look)
    needed = _needed(found, live)
    await demand_room(Path(tempfile.gettempdir()), needed, "restoring")
    path = await fetched(look, found)
    contents = _known_early(found) or (await reading).contents
    at_least = max(contents.header.dump_major or 0, live.major if live else 0)
    cluster = await look.probes.scratch.server(at_least)
    look.say(f"restoring {found.place} into PostgreSQL {cluster.programs.major}")
    work = Restoring(path, contents, cluster, DATABASE, jobs(look.settings.backup.jobs))
    restored = await work.run()
    look.say(f"restored in {restored.took_s:.1f} s")
    rows = await work.count((await reading).contents.rows)
    rehearsal = None if restored.errors else await rehearse(look, cluster, work.counted_in)
    major = live.major if live else None
    return Tried(structs.replace(restored, rows=rows), needed, major, rehearsal)


def _known_early(found: Known) -> Contents | None:
    """What restoring has to know of an archive: its first bytes tell.

    Plain SQL could hold commands that psql would run: it is read first.
    """
    if found.form in (Form.CUSTOM, Form.DIRECTORY) and not found.is_packed:
        return Contents(found.form, header=found.header)
    return None


async def _live_size(look: Context) -> LiveSize | None:
    try:
        async with look.probes.postgres(look.database_url).session() as session:
            return await read_size(session)
    except ProbeError:
        # The restore needs production for an estimate only.
        return None


def _needed(found: Known, live: LiveSize | None) -> int:
    if live is not None:
        return round(live.size_bytes * _SPARE)
    return found.backup.size_bytes * _UNPACKS_TO
