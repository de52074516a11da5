"""backup.restores: the newest backup restores, with every row, in a time that is known."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_chefrelease.checks.backup.reading import Read
from pytest_chefrelease.checks.backup.restoring import Tried, try_newest
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.errors import Failed
from pytest_chefrelease.probes.backups.contents import Contents
from pytest_chefrelease.runbook.evidence import Evidence, Table, Text
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

LONGEST_S = 14_400.0
"""Restoring a large database takes its time; a smaller limit can be set for the item."""
_SHOWN = 3
_ROWS_SHOWN = 200


@check(
    Item(
        id="backup.restores",
        title="The backup restores, with every row",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P1,
        section=Section.MIGRATIONS,
        quick_check=5,
        minimum=Minimum(counts={"tables": 1, "rows": 1}, facts=("recovery_s",)),
        remedy="Take another backup and try it; until one restores there is no way back.",
        timeout_s=LONGEST_S,
    )
)
async def backup_restores(look: Context) -> Evidence:
    """Into a scratch PostgreSQL on this machine; rows are counted there and in the backup."""
    read, tried = await try_newest(look)
    differing = differing_rows(read.contents, tried.restored.rows)
    seen = _evidence(look, read, tried)
    errors = tried.restored.errors
    if errors:
        more = f"; and {len(errors) - 1} more" if len(errors) > 1 else ""
        raise Failed(
            f"the newest backup does not restore: {errors[0]}{more}",
            expected="a restore without an error",
            where=read.known.place,
            evidence=seen,
        )
    if differing:
        name, (wanted, found) = next(iter(differing.items()))
        raise Failed(
            f"{len(differing)} tables differ after the restore: {name} has {found} rows",
            expected=f"{wanted} rows, as in the backup",
            where=read.known.place,
            evidence=seen,
        )
    return seen


def differing_rows(
    contents: Contents, restored: Mapping[str, int]
) -> dict[str, tuple[int, int | None]]:
    """By table the rows in the backup and those that arrived, where they differ.

    One INSERT may hold many rows: of those tables no fewer than statements have to arrive.
    """
    found: dict[str, tuple[int, int | None]] = {}
    for table, wanted in contents.rows.items():
        arrived = restored.get(table)
        is_exact = table not in contents.inserted
        if arrived is None or (arrived != wanted if is_exact else arrived < wanted):
            found[table] = (wanted, arrived)
    return found


def _evidence(look: Context, read: Read, tried: Tried) -> Evidence:
    restored = tried.restored
    total = sum(restored.rows.values())
    rows = tuple(
        (name, f"{wanted:,}", f"{restored.rows.get(name, 0):,}")
        for name, wanted in list(read.contents.rows.items())[:_ROWS_SHOWN]
    )
    other = tried.production_major not in (None, restored.major)
    note = f" (production runs {tried.production_major})" if other else ""
    errors = (Text("What PostgreSQL said", "\n".join(restored.errors)),) if restored.errors else ()
    return Evidence(
        summary=f"restored in {restored.took_s:.1f} s into PostgreSQL {restored.major}{note}: "
        f"{len(restored.rows)} tables, {total:,} rows, as many as in the backup",
        source=read.known.place,
        observed_at=look.now(),
        facts={
            "recovery_s": round(restored.took_s, 2),
            "tables": len(restored.rows),
            "rows": total,
            "server_major": restored.major,
            "production_major": tried.production_major,
            "needed_bytes": tried.needed_bytes,
            "errors": len(restored.errors),
        },
        attachments=(Table("Rows", ("table", "in the backup", "restored"), rows), *errors),
    )
