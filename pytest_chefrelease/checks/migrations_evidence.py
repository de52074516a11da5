"""What a report shows of a database's migrations."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.probes.postgres_url import DatabaseUrl
from pytest_chefrelease.runbook.evidence import Attachment, Evidence, Fact, Scalar, Table, Text
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.migration_history import (
    Comparison,
    Problem,
    ReleaseMigrations,
    Row,
    Script,
)

_MOST_ROWS = 50
_NEWEST = 5
_MOST_LOG_LINES = 20


def evidence_of(
    look: Context,
    database: DatabaseUrl,
    release: ReleaseMigrations,
    compared: Comparison,
    recent: frozenset[str],
) -> Evidence:
    """Counts and names as facts, a table of what matters now, and the logs of what failed.

    ``recent`` names the migrations of this release; where it is empty, the newest are shown.
    """
    now = look.now()
    pending: list[dict[str, Scalar]] = [
        {"name": script.name, "size_bytes": script.size_bytes} for script in compared.pending
    ]
    facts: dict[str, Fact] = {
        "in_release": len(release.scripts),
        "applied": len(compared.applied),
        "pending": len(pending),
        "pending_migrations": pending,
        "failed_migration": compared.failed[0].name if compared.failed else None,
        "other_line_ends": _names(compared.other_line_ends),
        "schema": database.schema,
        "provider": release.provider,
    }
    facts |= {
        _fact(problem): _names(found.name for found in compared.of(problem))
        for problem in (
            *(Problem.EDITED, Problem.NOT_IN_RELEASE, Problem.ROLLED_BACK),
            Problem.OUT_OF_ORDER,
        )
    }
    return Evidence(
        summary=_summary(look, compared),
        source=f"{database.where}, schema {database.schema}",
        observed_at=now,
        facts=facts,
        commit=look.release.commit,
        attachments=(_table(compared, recent, now), *_logs(compared)),
    )


def _summary(look: Context, compared: Comparison) -> str:
    applied = f"{len(compared.applied)} migrations applied"
    names = ", ".join(f"{s.name} ({size(s.size_bytes)})" for s in compared.pending[:_NEWEST])
    if look.stage is not Stage.PRERELEASE and not compared.pending:
        text = f"Database schema is up to date: {applied}"
    elif compared.pending:
        text = f"{applied}, {len(compared.pending)} pending: {names}"
        text += ", …" if len(compared.pending) > _NEWEST else ""
    else:
        text = f"{applied}, none pending"
    if compared.other_line_ends:
        text += (
            f"; {len(compared.other_line_ends)} applied with other line ends (CRLF, LF), "
            "which Prisma takes for the same script"
        )
    return text


def _table(compared: Comparison, recent: frozenset[str], now: datetime) -> Table:
    """What failed, what is pending, then what this release (or the last days) applied."""
    shown = [row for row in compared.applied if row.name in recent]
    if not recent:
        shown = list(compared.applied[-_NEWEST:])
    rows = [
        *(_failed_row(row, now) for row in compared.failed),
        *(_pending_row(script, compared, now) for script in compared.pending),
        *(_applied_row(row) for row in shown),
    ]
    columns = ("Migration", "State", "When", "Took", "Size")
    title = "Migrations: failed, pending, and this release's"
    return Table(title, columns, tuple(rows[:_MOST_ROWS]))


def _failed_row(row: Row, now: datetime) -> tuple[str, ...]:
    age = duration((now - row.started_at).total_seconds())
    return (row.name, "failed", f"begun {stamp(row.started_at)}, {age} ago", "", "")


def _pending_row(script: Script, compared: Comparison, now: datetime) -> tuple[str, ...]:
    rolled_back = {found.name for found in compared.of(Problem.ROLLED_BACK)}
    state = "pending, rolled back before" if script.name in rolled_back else "pending"
    made = _made(script.name)
    age = f"written {duration((now - made).total_seconds())} ago" if made else ""
    return (script.name, state, age, "", size(script.size_bytes))


def _applied_row(row: Row) -> tuple[str, ...]:
    took = ""
    if row.finished_at is not None:
        took = duration((row.finished_at - row.started_at).total_seconds())
    return (row.name, "applied", stamp(row.started_at), took, "")


def _logs(compared: Comparison) -> Iterable[Attachment]:
    for row in compared.failed[:_NEWEST]:
        lines = row.logs.splitlines()[:_MOST_LOG_LINES]
        text = "\n".join(lines).strip()
        if text:
            yield Text(f"Stored log of {row.name}", text)


def _made(name: str) -> datetime | None:
    """When a migration was written, by the time stamp that its name begins with."""
    stamp = re.match(r"\d{14}", name)
    try:
        return (
            datetime.strptime(stamp.group(), "%Y%m%d%H%M%S").replace(tzinfo=UTC) if stamp else None
        )
    except ValueError:
        return None


def _fact(problem: Problem) -> str:
    return {
        Problem.EDITED: "edited",
        Problem.NOT_IN_RELEASE: "not_in_release",
        Problem.ROLLED_BACK: "rolled_back",
        Problem.OUT_OF_ORDER: "out_of_order",
    }[problem]


def _names(names: Iterable[str]) -> list[Scalar]:
    return list(names)


def stamp(moment: datetime) -> str:
    """``2026-11-24 10:30:00 UTC``."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def duration(seconds: float) -> str:
    """A time in the unit that suits it: ``120 ms``, ``1.5 s``, ``3 days``."""
    if seconds < 1:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


def size(size_bytes: int) -> str:
    """``120 bytes``, ``48 kB``, ``12 MB``, ``3.4 GB``."""
    if size_bytes < 10_000:
        return f"{size_bytes} bytes"
    if size_bytes < 10_000_000:
        return f"{size_bytes / 1000:.0f} kB"
    return f"{size_bytes / 1e6:.0f} MB" if size_bytes < 1e9 else f"{size_bytes / 1e9:.1f} GB"
