"""backup.fresh: there is a backup of production, young enough, and from before the deploy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pytest_chefrelease.checks.backup.deploy_moment import DeployMoment, deploy_moment
from pytest_chefrelease.checks.backup.newest import (
    Known,
    demand_database,
    known,
    listed,
    source_of,
)
from pytest_chefrelease.checks.backup.words import moment, size, span
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.probes.backups.source import Backup
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_CLOCK_TOLERANCE = timedelta(minutes=5)
_SHOWN = 10
_LOOKED_AT = 20
"""So many of the newest are asked for their time; what is older than these is no use anyway."""


@check(
    Item(
        id="backup.fresh",
        title="A backup of production was taken in time",
        stages=(Stage.PRERELEASE, Stage.POSTRELEASE),
        severity=Severity.P1,
        section=Section.MIGRATIONS,
        quick_check=5,
        minimum=Minimum(counts={"backups": 1, "size_bytes": 1}, facts=("path", "taken_at")),
        remedy='Take one now: pg_dump --format=custom --file=BACKUP "$DATABASE_URL".',
        timeout_s=60.0,
    )
)
async def backup_fresh(look: Context) -> Evidence:
    """Before the deploy: newer than ``backup.max_age``. After it: that old when it began."""
    backups = await listed(look)
    _demand_any(look, backups)
    if look.stage is Stage.PRERELEASE:
        found, until, by = await known(look, backups[0]), look.now(), ""
    else:
        deployed = await deploy_moment(look)
        found, until = await _before(look, backups, deployed), deployed.at
        by = f" before the deploy ({deployed.by})"
    seen = _evidence(look, found, backups, until, by)
    _demand_content(found, seen)
    demand_database(look, found)
    _demand_age(look, found, until, by, seen)
    _demand_size(look, found, backups, seen)
    return seen


def _demand_any(look: Context, backups: Sequence[Backup]) -> None:
    if not backups:
        raise Failed(
            "there is no backup at all",
            expected="at least one file",
            where=source_of(look).place,
            remedy='Take one: pg_dump --format=custom --file=BACKUP "$DATABASE_URL"; or correct '
            "backup.path in release.toml.",
        )


async def _before(look: Context, backups: Sequence[Backup], deployed: DeployMoment) -> Known:
    """The newest that was taken before the deploy."""
    first = None
    for backup in backups[:_LOOKED_AT]:
        found = await known(look, backup)
        if found.taken_at <= deployed.at:
            return found
        first = first or found
    newest = f"the newest is of {moment(first.taken_at)}" if first else ""
    raise Failed(
        f"no backup was taken before the deploy; {newest}",
        expected=f"one from before {moment(deployed.at)} ({deployed.by})",
        where=source_of(look).place,
        remedy="There is no way back to the data as it was: keep what backups there are, and "
        "ask the provider for point-in-time recovery. Next time take one before the deploy.",
        # Going back to the old code brings no data back.
        severity=Severity.P3,
    )


def _evidence(
    look: Context, found: Known, backups: Sequence[Backup], until: datetime, by: str
) -> Evidence:
    age, last = until - found.taken_at, _last(found, backups)
    notes = f", encrypted by {found.encrypted_by}" if found.encrypted_by else ""
    rows = tuple(
        (backup.place, size(backup.size_bytes), moment(backup.changed_at))
        for backup in backups[:_SHOWN]
    )
    return Evidence(
        summary=f"taken {span(age)}{by or ' ago'}, {size(found.backup.size_bytes)}{notes}",
        source=found.place,
        observed_at=look.now(),
        facts={
            "backups": len(backups),
            "path": found.place,
            "taken_at": found.taken_at.isoformat(timespec="seconds"),
            "age_s": round(age.total_seconds()),
            "size_bytes": found.backup.size_bytes,
            "previous_size_bytes": last.size_bytes if last else None,
            "database": found.header.database,
            "has_own_stamp": found.header.written_at is not None,
        },
        attachments=(Table("Newest backups", ("backup", "size", "written"), rows),),
    )


def _last(found: Known, backups: Sequence[Backup]) -> Backup | None:
    """The backup before this one."""
    position = next(n for n, backup in enumerate(backups) if backup.place == found.place)
    return next(iter(backups[position + 1 :]), None)


def _demand_content(found: Known, seen: Evidence) -> None:
    if not found.backup.size_bytes:
        raise Failed("the newest backup is empty", expected="more than 0 bytes", evidence=seen)
    if found.form is None and not found.is_packed and not found.encrypted_by:
        raise Unverified(
            "the newest file is no backup that is known here",
            expected="an archive or SQL of pg_dump, as it is, packed by gzip or zstd, or encrypted",
            where=found.place,
            remedy="Let backup.path match backups only.",
            evidence=seen,
        )


def _demand_age(look: Context, found: Known, until: datetime, by: str, seen: Evidence) -> None:
    age, limit = until - found.taken_at, look.settings.backup.max_age
    if age < -_CLOCK_TOLERANCE:
        raise Unverified(
            f"the newest backup is dated {span(-age)} in the future",
            expected="a time that has been",
            where=found.place,
            remedy="Set the clock of one of the two machines, or backup.time_zone to that of the "
            "machine that runs pg_dump.",
            evidence=seen,
        )
    if age > limit:
        raise Failed(
            f"the newest backup was taken {span(age)}{by or ' ago'}, {moment(found.taken_at)}",
            expected=f"at most {span(limit)}",
            where=found.place,
            severity=Severity.P3 if look.stage is Stage.POSTRELEASE else None,
            evidence=seen,
        )


def _demand_size(look: Context, found: Known, backups: Sequence[Backup], seen: Evidence) -> None:
    last, least = _last(found, backups), look.settings.backup.least_of_last
    if last and found.backup.size_bytes < least * last.size_bytes:
        raise Failed(
            f"the newest backup has {size(found.backup.size_bytes)}, the one before "
            f"{size(last.size_bytes)}",
            expected=f"at least {least:.0%} of it",
            where=found.place,
            remedy="Look at what is missing in it, and take another; where so much was deleted, "
            "lower backup.least_of_last for this release.",
            evidence=seen,
        )
