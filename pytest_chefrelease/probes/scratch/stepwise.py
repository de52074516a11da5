"""Applies one migration to a database of our own, and records what it does to it.

The script runs as Prisma would run it, in one transaction; it is sent statement by statement,
so that each is timed and the locks that it took can be read while they are held. A script that
cannot run so (CREATE INDEX CONCURRENTLY, a transaction of its own), or is very large, is sent as
it is, and its locks are looked at from beside it.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct

from pytest_chefrelease.probes.scratch.migrate import HISTORY_TABLE, Migration
from pytest_chefrelease.probes.scratch.schema import SCHEMA
from pytest_chefrelease.probes.scratch.statements import split

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.AsyncConnection[tuple[object, ...]]

MODES = (
    *("AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock"),
    *("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"),
)
"""From the weakest to the strongest."""
_LOOK_EVERY_S = 0.02
_GRACE_S = 2.0
_TEXT_CHARS = 160
_MOST_BYTES_CUT = 1_000_000
"""A larger script holds data: cut into its statements it would take hours."""

_TABLES = """
    SELECT c.oid::int8, c.relfilenode::int8, n.nspname || '.' || c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_'
      AND n.nspname <> 'information_schema' AND c.relname <> '_prisma_migrations'
"""
_LOCKS = """
    SELECT relation::int8, mode FROM pg_locks
    WHERE pid = %s AND locktype = 'relation' AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Statement(Struct, frozen=True):
    """A statement's beginning, how long it took, and how many rows it touched."""

    text: str
    took_ms: float
    rows: int


class Lock(Struct, frozen=True):
    """The strongest lock on a table that was there before, and how long it was held."""

    table: str
    mode: str
    held_ms: float


class Step(Struct, frozen=True):
    """One migration: how long it took, what it locked and rewrote, and why it failed."""

    name: str
    took_ms: float
    statements: tuple[Statement, ...] = ()
    locks: tuple[Lock, ...] = ()
    rewritten: tuple[str, ...] = ()
    error: str = ""
    is_over_budget: bool = False


@dataclass(slots=True)
class _Record:
    """What is seen while a migration runs; times are seconds of the monotonic clock."""

    tables: dict[int, str] = field(default_factory=dict)
    statements: list[Statement] = field(default_factory=list)
    taken: dict[tuple[int, str], float] = field(default_factory=dict)
    is_over_budget: bool = False

    def see(self, locks: list[tuple[object, ...]], since: float) -> None:
        for oid, mode in locks:
            if oid in self.tables:
                self.taken.setdefault((int(str(oid)), str(mode)), since)

    def locks(self, until: float) -> tuple[Lock, ...]:
        strongest: dict[int, str] = {}
        for oid, mode in self.taken:
            strongest[oid] = max(strongest.get(oid, MODES[0]), mode, key=MODES.index)
        found = [
            Lock(self.tables[oid], mode, _ms(until - self.taken[oid, mode]))
            for oid, mode in strongest.items()
        ]
        return tuple(sorted(found, key=lambda lock: (-MODES.index(lock.mode), lock.table)))


@dataclass(frozen=True, slots=True)
class Database:
    """A database of our own by its administrator's URL."""

    url: str = field(repr=False)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        """A connection that commits each statement by itself."""
        import psycopg

        made = await psycopg.AsyncConnection.connect(self.url, autocommit=True)
        try:
            yield made
        finally:
            await made.close()

    async def schema(self) -> tuple[str, ...]:
        """Its schema, line by line."""
        async with self.connect() as connection:
            rows = await (await connection.execute(SCHEMA)).fetchall()
        return tuple(str(line) for (line,) in rows)

    async def apply(self, migration: Migration, budget_s: float) -> Step:
        """Apply a migration and record it as Prisma does; it is cut off after its budget."""
        async with self.connect() as work, self.connect() as beside:
            await work.execute(HISTORY_TABLE)
            before = await _tables(work)
            record = _Record({oid: name for oid, (_, name) in before.items()})
            identity = await _begin(work, migration)
            started = time.monotonic()
            error = await _within(budget_s, work, beside, migration, record)
            ended = time.monotonic()
            work = work if not work.closed else beside  # noqa: PLW2901 (it was ended from beside)
            after = await _tables(work)
            await _end(work, identity, error)
        rewritten = [
            n for oid, (file, n) in after.items() if oid in before and before[oid][0] != file
        ]
        return Step(
            name=migration.name,
            took_ms=_ms(ended - started),
            statements=tuple(record.statements),
            locks=record.locks(ended),
            rewritten=tuple(sorted(rewritten)),
            error=error,
            is_over_budget=record.is_over_budget,
        )


async def _within(
    budget_s: float, work: Connection, beside: Connection, migration: Migration, record: _Record
) -> str:
    """Run it, and give what the database said where it failed."""
    import psycopg

    cutting = asyncio.create_task(_cut_off(budget_s, work.info.backend_pid, beside, record))
    try:
        await _run(work, beside, migration, record)
    except psycopg.Error as error:
        return (str(error).splitlines() or [type(error).__name__])[0]
    finally:
        cutting.cancel()
        await asyncio.gather(cutting, return_exceptions=True)
    return ""


async def _cut_off(budget_s: float, pid: int, beside: Connection, record: _Record) -> None:
    await asyncio.sleep(budget_s)
    started = time.monotonic() - budget_s
    record.is_over_budget = True
    record.see(await (await beside.execute(_LOCKS, (pid,))).fetchall(), started)
    await beside.execute("SELECT pg_cancel_backend(%s)", (pid,))
    await asyncio.sleep(_GRACE_S)
    await beside.execute("SELECT pg_terminate_backend(%s)", (pid,))


async def _run(work: Connection, beside: Connection, migration: Migration, record: _Record) -> None:
    from psycopg import errors

    statements = _statements(migration.script)
    if statements is None:
        await _as_it_is(work, beside, migration.script, record)
        return
    try:
        async with work.transaction():
            for text in statements:
                await _timed(work, text, record)
    except errors.ActiveSqlTransaction:
        if len(statements) != 1:
            raise  # Prisma sends it in one piece too, and fails
        await _as_it_is(work, beside, migration.script, record)


def _statements(script: bytes) -> tuple[str, ...] | None:
    """What can be sent one by one, None where the script has to be sent as it is."""
    if len(script) > _MOST_BYTES_CUT:
        return None
    try:
        return split(script.decode())
    except UnicodeDecodeError:
        return None


async def _timed(work: Connection, text: str, record: _Record) -> None:
    started = time.monotonic()
    cursor = await work.execute(text.encode())
    took_ms = _ms(time.monotonic() - started)
    record.statements.append(Statement(_short(text), took_ms, max(cursor.rowcount, 0)))
    locks = await work.execute(_LOCKS, (work.info.backend_pid,))
    record.see(await locks.fetchall(), started)


async def _as_it_is(work: Connection, beside: Connection, script: bytes, record: _Record) -> None:
    started = time.monotonic()
    looking = asyncio.create_task(_look_on(beside, work.info.backend_pid, record))
    try:
        await work.execute(script)
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    text = script.decode(errors="replace")
    record.statements.append(Statement(_short(text), _ms(time.monotonic() - started), 0))


async def _look_on(beside: Connection, pid: int, record: _Record) -> None:
    while True:
        now = time.monotonic()
        record.see(await (await beside.execute(_LOCKS, (pid,))).fetchall(), now)
        await asyncio.sleep(_LOOK_EVERY_S)


async def _tables(connection: Connection) -> dict[int, tuple[int, str]]:
    rows = await (await connection.execute(_TABLES)).fetchall()
    return {int(str(oid)): (int(str(file)), str(name)) for oid, file, name in rows}


async def _begin(connection: Connection, migration: Migration) -> str:
    identity = str(uuid.uuid4())
    await connection.execute(
        'INSERT INTO "_prisma_migrations" (id, checksum, migration_name) VALUES (%s, %s, %s)',
        (identity, migration.checksum, migration.name),
    )
    return identity


async def _end(connection: Connection, identity: str, error: str) -> None:
    if error:
        statement = 'UPDATE "_prisma_migrations" SET logs = %s WHERE id = %s'
        await connection.execute(statement, (error, identity))
        return
    await connection.execute(
        'UPDATE "_prisma_migrations" SET finished_at = now(), applied_steps_count = 1'
        " WHERE id = %s",
        (identity,),
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TEXT_CHARS else line[: _TEXT_CHARS - 1] + "…"


def _ms(seconds: float) -> float:
    return round(seconds * 1_000, 1)
