"""migrations.from-scratch: the release's whole history makes the schema that production has."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from pytest_chefrelease.checks.backup.restores import LONGEST_S
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.drill.rehearsal import url_of
from pytest_chefrelease.checks.once import Json
from pytest_chefrelease.errors import Failed
from pytest_chefrelease.probes.backups.tables import read_size
from pytest_chefrelease.probes.prisma import read_history
from pytest_chefrelease.probes.release_scripts import read_scripts
from pytest_chefrelease.probes.scratch.migrate import Migration
from pytest_chefrelease.probes.scratch.schema import SCHEMA, differences
from pytest_chefrelease.probes.scratch.server import ADMIN
from pytest_chefrelease.probes.scratch.stepwise import Database
from pytest_chefrelease.runbook.evidence import Evidence, Text
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_DATABASE = "from_scratch"
_SHOWN = 3


class _Tried(Struct, frozen=True):
    """The migrations that failed on an empty database, and what production has otherwise."""

    migrations: int
    failed: tuple[tuple[str, str], ...]
    schema: tuple[str, ...]


class _Production(Struct, frozen=True):
    """Production's schema line by line, its server's version, and what it has applied."""

    schema: tuple[str, ...]
    major: int
    applied: frozenset[str]
    name: str


@check(
    Item(
        id="migrations.from-scratch",
        title="The whole history of migrations makes production's schema from nothing",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.MIGRATIONS,
        blocking=False,
        minimum=Minimum(counts={"migrations": 1}),
        remedy="Mend the history before it is needed: what production has by hand belongs into a "
        "migration, and one that fails may be replaced by what it was meant to do.",
        timeout_s=LONGEST_S,
    )
)
async def migrations_from_scratch(look: Context) -> Evidence:
    """Each migration in order on an empty database of our own; failures do not end it."""
    tried = msgspec.convert(
        await look.once.get("migrations.from-scratch", lambda: _try(look)), _Tried
    )
    seen = _evidence(look, tried)
    if tried.failed:
        shown = "; ".join(f"{name}: {error}" for name, error in tried.failed[:_SHOWN])
        more = len(tried.failed) - _SHOWN
        raise Failed(
            f"{len(tried.failed)} of {tried.migrations} migrations fail on an empty database: "
            f"{shown}" + (f"; and {more} more" if more > 0 else ""),
            expected="all applied, in order",
            where=look.settings.migrations.directory,
            evidence=seen,
        )
    if tried.schema:
        raise Failed(
            f"production's schema is another than its migrations make: {tried.schema[0]}"
            + (f", and {len(tried.schema) - 1} more lines" if len(tried.schema) > 1 else ""),
            expected="no difference",
            where="production's database",
            evidence=seen,
        )
    return seen


async def _try(look: Context) -> Json:
    table = look.settings.migrations
    scripts = await asyncio.to_thread(
        read_scripts, look.probes.git, look.release.commit, table.directory
    )
    production = await _production(look)
    cluster = await look.probes.scratch.server(production.major)
    await asyncio.to_thread(cluster.drop_database, _DATABASE)
    await asyncio.to_thread(cluster.create_database, _DATABASE, ADMIN)
    database = Database(url_of(cluster, _DATABASE, production.name))
    if production.name != "public":
        async with database.connect() as connection:
            from psycopg import sql

            name = sql.Identifier(production.name)
            await connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    # What production has is compared first: the pending ones come after that.
    done = [script for script in scripts if script.name in production.applied]
    failed = await _apply(look, database, done)
    made = await database.schema()
    failed += await _apply(look, database, [s for s in scripts if s not in done])
    # Where migrations failed, the difference is theirs.
    schema = () if failed else differences(made, production.schema)
    plain: Json = msgspec.to_builtins(_Tried(len(scripts), tuple(failed), schema))
    return plain


async def _apply(
    look: Context, database: Database, scripts: Sequence[Migration]
) -> list[tuple[str, str]]:
    budget_s = look.settings.drill.budget.total_seconds()
    steps = [await database.apply(script, budget_s) for script in scripts]
    return [(step.name, step.error) for step in steps if step.error]


async def _production(look: Context) -> _Production:
    probe = look.probes.postgres(look.database_url)
    async with probe.session() as session:
        rows = await session.rows(SCHEMA)
        history = await read_history(session)
        size = await read_size(session)
    applied = frozenset(
        row.name for row in history.rows or () if row.finished_at and not row.rolled_back_at
    )
    lines = tuple(str(line) for (line,) in rows)
    return _Production(lines, size.major, applied, probe.database.schema)


def _evidence(look: Context, tried: _Tried) -> Evidence:
    failed = "\n".join(f"{name}: {error}" for name, error in tried.failed)
    texts = {
        "Migrations that fail": failed,
        "What production has otherwise": "\n".join(tried.schema),
    }
    return Evidence(
        summary=f"{tried.migrations} migrations applied in order to an empty database; those that "
        "production has make its schema",
        source=look.settings.migrations.directory,
        observed_at=look.now(),
        commit=look.release.commit,
        facts={
            "migrations": tried.migrations,
            "failed": len(tried.failed),
            "differences": len(tried.schema),
        },
        attachments=tuple(Text(title, text) for title, text in texts.items() if text),
    )
