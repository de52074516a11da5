"""backup.complete: the newest backup is whole, and holds every table of production."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from pytest_chefrelease.checks.backup.reading import Read, read_newest
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.errors import Failed
from pytest_chefrelease.probes.backups.contents import Contents
from pytest_chefrelease.probes.backups.tables import LiveTable, read_tables
from pytest_chefrelease.runbook.evidence import Evidence, Scalar, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_SHOWN = 5
_ROWS_SHOWN = 200


@check(
    Item(
        id="backup.complete",
        title="The backup is whole and holds every table of production",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P1,
        section=Section.MIGRATIONS,
        quick_check=5,
        minimum=Minimum(
            counts={"tables_in_production": 1, "tables_in_backup": 1, "rows_in_backup": 1}
        ),
        remedy="Take another backup, of the whole database.",
        timeout_s=3_600.0,
    )
)
async def backup_complete(look: Context) -> Evidence:
    """The archive, read to its end, beside the tables that production has now."""
    read = await read_newest(look)
    async with look.probes.postgres(look.database_url).session() as session:
        production = await read_tables(session)
    without = look.settings.backup.without
    wanted = [t for t in production if not any(fnmatchcase(t.name, glob) for glob in without)]
    undefined = [t.name for t in wanted if t.name not in read.contents.tables]
    unfilled = [t.name for t in wanted if t.name not in undefined and _is_unfilled(t, read)]
    seen = _evidence(look, read, len(wanted), [*undefined, *unfilled])
    for lacking, what in ((undefined, "lacks"), (unfilled, "has no rows of")):
        if lacking:
            raise Failed(
                f"the newest backup {what} {_listed(lacking)}",
                expected=f"all {len(wanted)} tables of production",
                where=read.known.place,
                remedy="Take another backup, of the whole database, by a user that may read all "
                "of it. Tables that are left out on purpose go into backup.without.",
                evidence=seen,
            )
    return seen


def _is_unfilled(table: LiveTable, read: Read) -> bool:
    contents = read.contents
    if not table.holds_rows or table.name in contents.rows:
        return False
    # A backup of INSERTs says nothing of a table without rows.
    return not (contents.inserted and table.is_empty)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _evidence(look: Context, read: Read, wanted: int, missing: Sequence[Scalar]) -> Evidence:
    contents: Contents = read.contents
    rows = tuple((name, f"{count:,}") for name, count in list(contents.rows.items())[:_ROWS_SHOWN])
    total = sum(contents.rows.values())
    return Evidence(
        summary=f"read to its end: {len(contents.tables)} tables, {total:,} rows; all {wanted} of "
        "production are there",
        source=read.known.place,
        observed_at=look.now(),
        facts={
            "tables_in_production": wanted,
            "tables_in_backup": len(contents.tables),
            "rows_in_backup": total,
            "missing": list(missing),
            "form": contents.form.value,
            "packing": contents.packing.value or None,
            "server_major": contents.header.server_major,
            "dump_major": contents.header.dump_major,
        },
        attachments=(Table("Rows in the backup", ("table", "rows"), rows),),
    )
