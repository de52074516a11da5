"""The database probe behind a real PgBouncer in transaction pooling: nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pytest_chefrelease.probes.postgres import PostgresProbe
from pytest_chefrelease.probes.postgres_activity import read_activity
from pytest_chefrelease.probes.prisma import read_history
from pytest_chefrelease.probes.scratch.migrate import HISTORY_TABLE
from pytest_chefrelease.probes.scratch.ports import free_port
from pytest_chefrelease.probes.scratch.programs import server_account
from pytest_chefrelease.runbook.database_sessions import Activity
from pytest_chefrelease.runbook.migration_history import DatabaseHistory
from tests.probes.databases import PASSWORD, Database, server

CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = 1
"""


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with server() as started:
        yield started.database()


@pytest.fixture(scope="module")
def pooled(database: Database) -> Iterator[str]:
    """The database's URL through a pooler with one connection to the server."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None, "scripts/system-setup.sh pgbouncer installs it"
    folder = Path(tempfile.mkdtemp(prefix="chefrelease-"))
    folder.chmod(0o755)
    port, inner = free_port(), database.server.cluster.port
    users, configuration = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text(f'"{database.role}" "{PASSWORD}"\n')
    configuration.write_text(CONFIGURATION.format(server=inner, port=port, users=users))
    # Like PostgreSQL it does not run as root.
    account = server_account()
    user = account.uid if account else None
    with subprocess.Popen([program, "-q", configuration], user=user, cwd=folder) as process:
        try:
            url = database.url.replace(f":{inner}/", f":{port}/")
            _wait(url)
            yield url
        finally:
            process.kill()
            process.wait(10)
            shutil.rmtree(folder)


def _wait(url: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def ask(url: str) -> list[tuple[DatabaseHistory, Activity]]:
    """Three sessions, more than the pooler has connections."""

    async def go() -> list[tuple[DatabaseHistory, Activity]]:
        probe = PostgresProbe(url)

        async def once() -> tuple[DatabaseHistory, Activity]:
            async with probe.session() as session:
                return await read_history(session), await read_activity(session)

        return list(await asyncio.gather(once(), once(), once()))

    return asyncio.run(go())


def backend(url: str) -> tuple[object, ...]:
    """What the application's next statement finds on the one connection to the server."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        row = connection.execute(
            "SELECT pg_backend_pid(), current_setting('statement_timeout'),"
            " current_setting('transaction_read_only'), current_setting('lock_timeout'),"
            " (SELECT count(*) FROM pg_prepared_statements)"
        ).fetchone()
    assert row is not None
    return row


def test_history_and_sessions_are_read_through_a_pooler(database: Database, pooled: str) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(HISTORY_TABLE)

    found = ask(pooled)

    assert [(history.rows, bool(activity.sessions)) for history, activity in found] == [
        ((), True)
    ] * 3


def test_the_application_gets_its_connection_back_as_it_was(
    database: Database, pooled: str
) -> None:
    before = backend(pooled)

    ask(pooled)

    # The very same connection: one that we left in a transaction would have been dropped.
    assert backend(pooled) == before
    assert before[1:] == ("0", "off", "0", 0)
    assert not any("PREPARE" in line for line in database.log())
