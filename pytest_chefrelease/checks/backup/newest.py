"""The backups that there are, the newest first, as all items of a run see them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.once import Json
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.probes.backups.choose import choose_backup_source
from pytest_chefrelease.probes.backups.form import Form, encrypted_by, form_of, packing_of
from pytest_chefrelease.probes.backups.header import Header, read_header, read_sql_header
from pytest_chefrelease.probes.backups.source import Backup, BackupSource
from pytest_chefrelease.probes.postgres_url import parse_database_url


class Known(Struct, frozen=True):
    """A backup and what its first bytes say; ``taken_at`` is in UTC.

    ``form`` is None where it cannot be told: packed, encrypted, or no backup at all.
    """

    backup: Backup
    taken_at: datetime
    header: Header
    form: Form | None
    encrypted_by: str | None
    is_packed: bool

    @property
    def place(self) -> str:
        """Its path or address."""
        return self.backup.place


def source_of(look: Context) -> BackupSource:
    """Where backups are kept. Raises NotConfigured."""
    return choose_backup_source(look.settings.backup, look.repository)


async def listed(look: Context) -> tuple[Backup, ...]:
    """All backups, newest first, listed once for all items. Raises ProbeErrors."""
    source = source_of(look)

    async def ask() -> Json:
        plain: Json = msgspec.to_builtins(await source.newest_first())
        return plain

    kept = await look.once.get("backup.listed", ask)
    return msgspec.convert(kept, tuple[Backup, ...])


async def newest(look: Context) -> Known:
    """The newest backup, for items that read it. Raises Unverified where there is none."""
    found = await listed(look)
    if not found:
        raise Unverified(
            "there is no backup to read",
            where=source_of(look).place,
            remedy="See backup.fresh.",
        )
    return await known(look, found[0])


async def known(look: Context, backup: Backup) -> Known:
    """A backup with what its first bytes say."""
    head = await source_of(look).head(backup) if backup.size_bytes else b""
    form, packing = form_of(head), packing_of(head)
    header = read_sql_header(head) if form is Form.PLAIN else read_header(head)
    if form is Form.TAR:
        header = read_header(head[512:])
    return Known(
        backup=backup,
        taken_at=_taken_at(backup, header, look.settings.backup.time_zone),
        header=header,
        form=Form.DIRECTORY if backup.is_directory and form else form,
        encrypted_by=encrypted_by(head),
        is_packed=bool(packing.value),
    )


def _taken_at(backup: Backup, header: Header, zone: str) -> datetime:
    """When it was taken: by its own stamp, which a copy keeps, but not after it was written."""
    if header.written_at is None:
        return backup.changed_at
    stamp = header.written_at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return min(stamp, backup.changed_at)


def database_of(look: Context) -> str | None:
    """The name that production's database has in its backups, where it is known."""
    if look.settings.backup.database:
        return look.settings.backup.database
    return parse_database_url(look.database_url).parameters.get("dbname")


def demand_database(look: Context, found: Known) -> None:
    """Raises Failed where the backup says that it is one of another database."""
    said, wanted = found.header.database, database_of(look)
    if said and wanted and said != wanted:
        raise Failed(
            f"the newest backup is of the database {said!r}",
            expected=f"one of {wanted!r}, production's",
            where=found.place,
            remedy="Take a backup of production, or correct backup.path; where production's "
            "database has another name in backups, set backup.database.",
        )
