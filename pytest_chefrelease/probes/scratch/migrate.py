"""Migrations applied to a database of our own as ``prisma migrate deploy`` does.

The history table and its rows have Prisma's shape (prisma 6.19): one row for each try, the
checksum over the bytes of migration.sql, ``finished_at`` only on success, the error in ``logs``.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import psycopg

HISTORY_TABLE = """
CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    id                  VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum            VARCHAR(64) NOT NULL,
    finished_at         TIMESTAMPTZ,
    migration_name      VARCHAR(255) NOT NULL,
    logs                TEXT,
    rolled_back_at      TIMESTAMPTZ,
    started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count INTEGER NOT NULL DEFAULT 0
)
"""


class Migration(Struct, frozen=True):
    """One migration of the release: the folder's name and its script."""

    name: str
    script: bytes

    @property
    def checksum(self) -> str:
        """Hex SHA-256 of the script's bytes, as Prisma stores it."""
        return hashlib.sha256(self.script).hexdigest()


class Deployment(Struct, frozen=True):
    """What one deployment of migrations did; ``error`` names the migration that stopped it."""

    applied: tuple[str, ...]
    error: str | None = None


def read_migrations(folder: Path) -> tuple[Migration, ...]:
    """The migrations of a folder, in the order of their names."""
    scripts = sorted(folder.glob("*/migration.sql"), key=lambda path: path.parent.name.encode())
    return tuple(Migration(path.parent.name, path.read_bytes()) for path in scripts)


def deploy(database_url: str, migrations: Sequence[Migration]) -> Deployment:
    """Apply what is pending, in order, and stop at the first that fails.

    A failed migration that stands in the history stops the deployment before it begins
    (Prisma's P3009).
    """
    import psycopg

    with psycopg.connect(database_url, autocommit=True, connect_timeout=5) as connection:
        connection.execute(HISTORY_TABLE)
        standing = _failed(connection)
        if standing:
            return Deployment((), f"P3009: migration {standing} has failed before")
        done = _applied(connection)
        applied: list[str] = []
        for migration in migrations:
            if migration.name in done:
                continue
            error = _apply(connection, migration)
            if error:
                return Deployment(tuple(applied), f"{migration.name}: {error}")
            applied.append(migration.name)
    return Deployment(tuple(applied))


def applied_names(database_url: str) -> frozenset[str] | None:
    """The migrations that a database's history has as applied; None without a history."""
    import psycopg

    with psycopg.connect(database_url, autocommit=True, connect_timeout=5) as connection:
        try:
            return frozenset(_applied(connection))
        except psycopg.errors.UndefinedTable:
            return None


def _failed(connection: psycopg.Connection) -> str | None:
    row = connection.execute(
        'SELECT migration_name FROM "_prisma_migrations"'
        " WHERE finished_at IS NULL AND rolled_back_at IS NULL ORDER BY started_at LIMIT 1"
    ).fetchone()
    return str(row[0]) if row else None


def _applied(connection: psycopg.Connection) -> set[str]:
    rows = connection.execute(
        'SELECT migration_name FROM "_prisma_migrations"'
        " WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL"
    ).fetchall()
    return {str(name) for (name,) in rows}


def _apply(connection: psycopg.Connection, migration: Migration) -> str | None:
    """Apply one migration and record it; give the database's error when it failed."""
    import psycopg

    identity = str(uuid.uuid4())
    connection.execute(
        'INSERT INTO "_prisma_migrations" (id, checksum, migration_name) VALUES (%s, %s, %s)',
        (identity, migration.checksum, migration.name),
    )
    try:
        # One simple query, as Prisma sends it: PostgreSQL makes it one transaction.
        connection.execute(migration.script)
    except psycopg.Error as error:
        connection.execute(
            'UPDATE "_prisma_migrations" SET logs = %s WHERE id = %s',
            (_logs(migration, error), identity),
        )
        return str(error).splitlines()[0]
    connection.execute(
        'UPDATE "_prisma_migrations" SET finished_at = now(), applied_steps_count = 1'
        " WHERE id = %s",
        (identity,),
    )
    return None


def _logs(migration: Migration, error: psycopg.Error) -> str:
    """The text that Prisma keeps of a failure."""
    return (
        "A migration failed to apply. New migrations cannot be applied before the error is"
        " recovered from. Read more about how to resolve migration issues in a production"
        " database: https://pris.ly/d/migrate-resolve\n\n"
        f"Migration name: {migration.name}\n\n"
        f"Database error code: {error.sqlstate}\n\n"
        f"Database error:\nERROR: {error.diag.message_primary}\n"
    )
