"""A few shared connections to the product's database, opened when first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow

    Connection = psycopg.AsyncConnection[DictRow]

Value = str | int | float | bool | None
Row = dict[str, Value]

_CONNECTIONS = 3
_TIME_LIMIT_S = 5.0


class Database:
    """Queries over at most three connections; a broken one is replaced on the next query."""

    def __init__(self, url: str, application: str) -> None:
        self._url = url
        self._application = application
        self._free: asyncio.Queue[Connection | None] = asyncio.Queue()
        for _ in range(_CONNECTIONS):
            self._free.put_nowait(None)

    async def query(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        """Rows of a statement.

        Raises:
            psycopg.Error: the database is not there or refused.
        """
        async with asyncio.timeout(_TIME_LIMIT_S):
            connection = await self._free.get()
            try:
                connection, rows = await self._run(connection, statement, values)
            finally:
                self._free.put_nowait(connection)
        return rows

    async def is_up(self) -> bool:
        """Whether the database answers."""
        import psycopg

        try:
            await self.query("SELECT 1 AS one")
        except (psycopg.Error, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """Close what is open."""
        while not self._free.empty():
            connection = self._free.get_nowait()
            if connection is not None:
                await connection.close()

    async def _run(
        self, connection: Connection | None, statement: str, values: Sequence[Value]
    ) -> tuple[Connection, list[Row]]:
        import psycopg

        if connection is not None and not connection.closed:
            try:
                return connection, await _fetch(connection, statement, values)
            except psycopg.OperationalError:
                # The server ended the session while it lay idle: a new one may well do.
                await connection.close()
        connection = await self._connect()
        return connection, await _fetch(connection, statement, values)

    async def _connect(self) -> Connection:
        import psycopg
        from psycopg.rows import dict_row

        return await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            row_factory=dict_row,
            application_name=self._application,
            connect_timeout=3,
        )


async def _fetch(connection: Connection, statement: str, values: Sequence[Value]) -> list[Row]:
    cursor = await connection.execute(statement, tuple(values))
    return [{name: _plain(value) for name, value in row.items()} for row in await cursor.fetchall()]


def _plain(value: object) -> Value:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | None) else str(value)
