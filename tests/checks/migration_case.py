"""A release's work tree and a database with a history, for tests of migrations' items."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg

from pytest_chefrelease.probes.scratch.migrate import HISTORY_TABLE
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Result
from pytest_chefrelease.runbook.release import Release
from tests.checks.looking import verified
from tests.checks.work_tree import WorkTree
from tests.probes.databases import Database

DIRECTORY = "packages/db/prisma/migrations"
INIT, MENU, ORDERS = "20250101000000_init", "20250201000000_menu", "20250301000000_orders"
SCRIPTS = {
    INIT: "CREATE TABLE users (id int);\n",
    MENU: "CREATE TABLE menu (id int);\n-- für alle\n",
    ORDERS: "CREATE TABLE orders (id int);\n",
}
LOCK = 'provider = "postgresql"\n'
ERROR = (
    "A migration failed to apply. New migrations cannot be applied before the error is recovered"
    ' from.\n\nDatabase error code: 42P07\n\nDatabase error:\nERROR: relation "orders" already'
    " exists\n"
)


@dataclass
class Case:
    """A release's work tree and a database; ``look`` verifies one against the other."""

    tree: WorkTree
    database: Database
    commit: str | None = None
    previous: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def release(
        self,
        scripts: Mapping[str, str | bytes] = SCRIPTS,
        lock: str | None = LOCK,
        files: Mapping[str, str] | None = None,
    ) -> None:
        """Commit these migrations as the release."""
        named: dict[str, str | bytes | None] = {
            f"{DIRECTORY}/{name}/migration.sql": text for name, text in scripts.items()
        }
        if lock is not None:
            named[f"{DIRECTORY}/migration_lock.toml"] = lock
        named |= {f"{DIRECTORY}/{name}": text for name, text in (files or {}).items()}
        self.commit = self.tree.commit(named)

    def history(self, schema: str = "public") -> None:
        """Create the history table."""
        self._run(f'SET search_path = "{schema}"; {HISTORY_TABLE}')

    def row(
        self,
        name: str,
        script: str | bytes | None = None,
        *,
        state: str = "applied",
        minute: int | None = None,
        logs: str | None = None,
        checksum: str | None = None,
        schema: str = "public",
    ) -> None:
        """A try of a migration, a second long, on 1 September at ``minute``."""
        content = SCRIPTS.get(name, "") if script is None else script
        data = content.encode() if isinstance(content, str) else content
        at = list(SCRIPTS).index(name) if minute is None else minute
        begun = f"2025-09-01 12:{at:02}:00+00"
        self._run(
            f'INSERT INTO "{schema}"._prisma_migrations (id, checksum, migration_name, started_at,'
            " finished_at, rolled_back_at, logs, applied_steps_count)"
            " VALUES (gen_random_uuid()::text, %s, %s, %s, %s, %s, %s, 1)",
            checksum or hashlib.sha256(data).hexdigest(),
            name,
            begun,
            begun.replace(":00+", ":01+") if state == "applied" else None,
            begun if state == "rolled back" else None,
            logs,
        )

    def rows(self, scripts: dict[str, str]) -> None:
        """Many applied migrations at once, a second apart."""
        checksums = [hashlib.sha256(script.encode()).hexdigest() for script in scripts.values()]
        self._run(
            "INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at)"
            " SELECT gen_random_uuid()::text, checksum, name, at, at"
            " FROM unnest(%s::text[], %s::text[])"
            " WITH ORDINALITY AS given (checksum, name, number),"
            " LATERAL (SELECT timestamptz '2025-09-01' + number * interval '1 s' AS at) AS moment",
            checksums,
            list(scripts),
        )

    def applied(self, *names: str) -> None:
        """A history in which these were applied, and the tables they made."""
        self.history()
        self._run("CREATE TABLE users (id int)")
        for name in names:
            self.row(name)

    def look(
        self, stage: Stage = Stage.PRERELEASE, query: str = "", **migrations: object
    ) -> Result:
        return verified(
            "migrations.status",
            {
                "environments": {"production": {"database_env": "DATABASE_URL"}},
                "migrations": migrations,
            },
            stage=stage,
            release=Release("v1.5.0", self.commit, "production", previous_version=self.previous),
            repository=self.tree.path,
            environment={**self.variables, "DATABASE_URL": self.database.url + query},
            timeout_s=60.0,  # Node takes its time on a busy machine
        )

    def _run(self, statement: str, *values: object) -> None:
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            connection.execute(statement, values or None)
