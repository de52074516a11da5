"""The tables that a database has now, which a backup of it must hold."""

from __future__ import annotations

from msgspec import Struct

from pytest_chefrelease.probes.postgres import Session

# What pg_dump takes: no system schemas, no members of extensions, nothing temporary.
_TABLES = """
    SELECT n.nspname::text, c.relname::text, c.relkind = 'r', c.relpages = 0
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
      )
    ORDER BY 1, 2
"""
_SIZE = """
    SELECT pg_catalog.pg_database_size(pg_catalog.current_database()),
           pg_catalog.current_setting('server_version_num')::int / 10000
"""


class LiveTable(Struct, frozen=True):
    """``schema.table``; a partitioned one holds no rows itself.

    ``is_empty`` is the catalogue's word, which may be behind.
    """

    name: str
    holds_rows: bool
    is_empty: bool


class LiveSize(Struct, frozen=True):
    """A database's size on its disk, and its server's major version."""

    size_bytes: int
    major: int


async def read_tables(session: Session) -> tuple[LiveTable, ...]:
    """All tables of a database, in the order of their names. Raises ProbeErrors."""
    rows = await session.rows(_TABLES)
    return tuple(
        LiveTable(f"{schema}.{table}", bool(holds_rows), bool(is_empty))
        for schema, table, holds_rows, is_empty in rows
    )


async def read_size(session: Session) -> LiveSize:
    """Raises ProbeErrors."""
    ((size, major),) = await session.rows(_SIZE)
    return LiveSize(int(str(size)), int(str(major)))
