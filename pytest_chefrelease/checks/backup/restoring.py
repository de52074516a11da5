"""The newest backup, restored into a PostgreSQL of our own, once for all items.

What follows on the restored database (the drill) is done in the same piece of work: its server
is that of whichever process did it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
from msgspec import Struct

from pytest_chefrelease.checks.backup.reading import Read, read_newest
from pytest_chefrelease.checks.backup.room import demand_room
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.drill.rehearsal import Rehearsal, rehearse
from pytest_chefrelease.checks.once import Json
from pytest_chefrelease.errors import NotApplicable, ProbeError
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
    read = await read_newest(look)
    kept = await look.once.get("backup.restored", lambda: _try(look, read))
    return read, msgspec.convert(kept, Tried)


async def _try(look: Context, read: Read) -> Json:
    live = await _live_size(look)
    needed = _needed(read, live)
    await demand_room(Path(tempfile.gettempdir()), needed, "restoring")
    at_least = max(read.contents.header.dump_major or 0, live.major if live else 0)
    cluster = await look.probes.scratch.server(at_least)
    table = look.settings.backup
    look.say(f"restoring {read.known.place} into PostgreSQL {cluster.programs.major}")
    work = Restoring(read.path, read.contents, cluster, DATABASE, jobs(table.jobs))
    restored = await work.run()
    look.say(f"restored in {restored.took_s:.1f} s")
    rehearsal = None if restored.errors else await rehearse(look, cluster, work.counted_in)
    tried = Tried(restored, needed, live.major if live else None, rehearsal)
    plain: Json = msgspec.to_builtins(tried)
    return plain


async def _live_size(look: Context) -> LiveSize | None:
    try:
        async with look.probes.postgres(look.database_url).session() as session:
            return await read_size(session)
    except ProbeError:
        # The restore needs production for an estimate only.
        return None


def _needed(read: Read, live: LiveSize | None) -> int:
    if live is not None:
        return round(live.size_bytes * _SPARE)
    return read.known.backup.size_bytes * _UNPACKS_TO
