"""The newest backup read to its end, once for all items."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import msgspec
from msgspec import Struct

from pytest_chefrelease.checks.backup.newest import Known, demand_database, newest, source_of
from pytest_chefrelease.checks.backup.room import demand_room
from pytest_chefrelease.checks.backup.words import size
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.once import Json
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.probes.backups.contents import Contents, read_contents
from pytest_chefrelease.probes.in_thread import in_thread


class _Reading(Struct, frozen=True):
    path: str
    contents: Contents | None
    has_changed: bool


class Read(Struct, frozen=True):
    """A backup, where it is on this machine, and what it holds."""

    known: Known
    path: Path
    contents: Contents


async def readable_newest(look: Context) -> Known:
    """The newest backup, of production, that can be read here. Raises as ``read_newest``."""
    found = await newest(look)
    if not found.backup.size_bytes:
        raise Failed("the newest backup is empty", expected="more than 0 bytes", where=found.place)
    if found.encrypted_by:
        raise Unverified(
            f"the newest backup is encrypted by {found.encrypted_by}",
            expected="one that can be read here",
            where=found.place,
            remedy="Let the gate run where a decrypted copy is, and let backup.path name that; or "
            "say under [not_applicable] who tries out restoring.",
        )
    demand_database(look, found)
    return found


async def read_newest(look: Context) -> Read:
    """The newest backup, whole and of production.

    Raises Failed where it is not, Unverified where that cannot be said, and ProbeErrors.
    """
    found = await readable_newest(look)
    kept = await look.once.get("backup.read", lambda: _read(look, found))
    reading = msgspec.convert(kept, _Reading)
    if reading.has_changed:
        raise Unverified(
            "the newest backup was written to while it was read",
            expected="one that is finished",
            where=found.place,
            remedy="Run this again when the backup is done.",
        )
    return Read(found, Path(reading.path), _whole(reading.contents, found))


def _whole(contents: Contents | None, found: Known) -> Contents:
    if contents is None:
        raise Unverified(
            "the newest file is no backup that is known here",
            expected="an archive or SQL of pg_dump, as it is or packed by gzip or zstd",
            where=found.place,
            remedy="Let backup.path match backups only.",
        )
    if contents.problem:
        raise Failed(
            f"the newest backup is not whole: {contents.problem}",
            expected="a backup that can be read to its end",
            where=found.place,
            remedy="Take another one, see that pg_dump ends with 0 and that the disk is not full.",
        )
    return contents


async def fetched(look: Context, found: Known) -> Path:
    """Where a backup is on this machine, fetched once for all items. Raises ProbeErrors."""
    return Path(str(await look.once.get("backup.fetched", lambda: _fetch(look, found))))


async def _fetch(look: Context, found: Known) -> Json:
    source = source_of(look)
    folder = look.once.shared or _own_folder(look)
    if source.is_remote:
        await demand_room(folder, found.backup.size_bytes, "fetching the backup")
        look.say(f"fetching {found.place}, {size(found.backup.size_bytes)}")
    return str(await source.fetch(found.backup, folder))


async def _read(look: Context, found: Known) -> Json:
    source, path = source_of(look), await fetched(look, found)
    look.say(f"reading {found.place} to its end")
    contents = await in_thread(lambda is_wanted: read_contents(path, is_wanted))
    after = await source.look_again(found.backup)
    reading = _Reading(str(path), contents, after != found.backup)
    plain: Json = msgspec.to_builtins(reading)
    return plain


def _own_folder(look: Context) -> Path:
    """A folder that goes when the run ends."""
    folder = Path(tempfile.mkdtemp(prefix="chefrelease-backup-"))

    async def remove() -> None:
        shutil.rmtree(folder, ignore_errors=True)

    look.probes.at_end(remove)
    return folder
