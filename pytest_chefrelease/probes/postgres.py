"""PostgreSQL, read-only: one short transaction at a time that leaves nothing behind.

psycopg is imported here, in its neighbours ``postgres_url`` and ``postgres_failures``, and
nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, LiteralString

from pytest_chefrelease.errors import NoAnswer
from pytest_chefrelease.probes.postgres_failures import classify
from pytest_chefrelease.probes.postgres_url import DatabaseUrl, parse_database_url

if TYPE_CHECKING:
    import psycopg

APPLICATION_NAME = "chefrelease"
_MOST_AT_ONCE = 2
_CONNECT_TIMEOUT_S = 5
_MAX_ROWS = 20_000

# Local to the transaction, so that it holds behind PgBouncer's transaction pooling too, and
# is gone with it. The server refuses every write, ends what takes long or waits for a lock.
_GUARDS: tuple[LiteralString, ...] = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET LOCAL statement_timeout = '5s'",
    "SET LOCAL lock_timeout = '1s'",
    "SET LOCAL idle_in_transaction_session_timeout = '10s'",
)


@dataclass(frozen=True, slots=True)
class Session:
    """An open read-only transaction: all that is read in it is of one moment."""

    database: DatabaseUrl
    _connection: psycopg.AsyncConnection[tuple[object, ...]] = field(repr=False)

    async def rows(
        self, query: LiteralString, parameters: Sequence[object] = (), **names: str
    ) -> list[tuple[object, ...]]:
        """What a query gives, at most 20,000 rows.

        ``names`` fill ``{name}`` in the query as identifiers, quoted. Raises ProbeErrors.
        """
        import psycopg
        from psycopg import sql

        given = {name: sql.Identifier(value) for name, value in names.items()}
        try:
            cursor = await self._connection.execute(sql.SQL(query).format(**given), parameters)
            return await cursor.fetchmany(_MAX_ROWS)
        except psycopg.Error as error:
            raise classify(error, self.database) from None


@dataclass(slots=True)
class PostgresProbe:
    """One database, with at most two connections of ours at a time.

    Raises ProbeErrors: Unreachable, NoAnswer, AccessDenied, NotConfigured. The password is
    in none of them.
    """

    url: str = field(repr=False)
    timeout_s: float = 20.0
    _places: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(_MOST_AT_ONCE), repr=False
    )

    @property
    def database(self) -> DatabaseUrl:
        """The address. Raises NotConfigured where it is none."""
        return parse_database_url(self.url)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A read-only transaction of at most ``timeout_s`` seconds."""
        database = self.database
        async with self._places:
            try:
                async with asyncio.timeout(self.timeout_s):
                    connection = await _connect(database)
                    try:
                        yield await _guarded(connection, database)
                        await _ended(connection)
                    finally:
                        # Closing ends the transaction too, where anything went wrong.
                        await connection.close()
            except TimeoutError:
                raise NoAnswer(
                    f"no answer from the database in {self.timeout_s:g} s",
                    where=database.where,
                    remedy="Look at what keeps it busy: pg_stat_activity.",
                ) from None


async def _connect(database: DatabaseUrl) -> psycopg.AsyncConnection[tuple[object, ...]]:
    import psycopg
    from psycopg.conninfo import make_conninfo

    ours = {
        "application_name": APPLICATION_NAME,
        "connect_timeout": str(_CONNECT_TIMEOUT_S),
        "client_encoding": "utf-8",
    }
    try:
        return await psycopg.AsyncConnection.connect(
            make_conninfo("", **{**database.parameters, **ours}),
            autocommit=True,
            prepare_threshold=None,
        )
    except (psycopg.Error, OSError) as error:
        raise classify(error, database) from None


async def _ended(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
    """End the transaction: a pooler drops a server's connection that is left in the middle."""
    import psycopg

    with suppress(psycopg.Error):  # what was read is read
        await connection.execute("ROLLBACK")


async def _guarded(
    connection: psycopg.AsyncConnection[tuple[object, ...]], database: DatabaseUrl
) -> Session:
    import psycopg

    try:
        for guard in _GUARDS:
            await connection.execute(guard)
    except psycopg.Error as error:
        raise classify(error, database) from None
    return Session(database, connection)
