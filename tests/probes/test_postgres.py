"""The database probe on a real PostgreSQL: what it reads, what it leaves, what it says."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator

import psycopg
import pytest

from pytest_chefrelease.errors import (
    AccessDenied,
    Malformed,
    NoAnswer,
    NotConfigured,
    ProbeError,
    Unreachable,
)
from pytest_chefrelease.probes.postgres import PostgresProbe, Session
from pytest_chefrelease.probes.postgres_activity import read_activity
from pytest_chefrelease.probes.postgres_failures import classify
from pytest_chefrelease.probes.postgres_url import parse_database_url
from pytest_chefrelease.probes.scratch import server as postgres
from pytest_chefrelease.probes.scratch.programs import server_account
from pytest_chefrelease.runbook.database_sessions import Activity
from tests.probes.databases import PASSWORD, Database, Server, server

Rows = list[tuple[object, ...]]


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with server() as started:
        yield started


@pytest.fixture
def database(running: Server) -> Database:
    return running.database()


def reading(url: str, use: Callable[[Session], Awaitable[Rows]], timeout_s: float = 8) -> Rows:
    async def go() -> Rows:
        async with PostgresProbe(url, timeout_s).session() as session:
            return await use(session)

    return asyncio.run(go())


def ask(url: str) -> Rows:
    return reading(url, lambda session: session.rows("SELECT 1"))


def refused(url: str, use: Callable[[Session], Awaitable[Rows]] | None = None) -> ProbeError:
    with pytest.raises(ProbeError) as caught:
        reading(url, use or (lambda session: session.rows("SELECT 1")))
    assert PASSWORD not in repr(vars(caught.value))
    assert caught.value.__cause__ is None
    assert "\n" not in caught.value.summary
    return caught.value


# --- the address


@pytest.mark.parametrize(
    ("url", "parameters", "schema"),
    [
        ("postgresql://u:p@h/db", {"user": "u", "password": "p", "host": "h", "dbname": "db"}, ""),
        ("postgres://h:5433/db", {"host": "h", "port": "5433", "dbname": "db"}, ""),
        ("postgresql://h/db?schema=menu", {"host": "h", "dbname": "db"}, "menu"),
        (
            "postgresql://h/db?schema=public&connection_limit=5&pgbouncer=true&application_name=x",
            {"host": "h", "dbname": "db"},
            "public",
        ),
        (
            "postgresql://h/db?sslmode=require&target_session_attrs=any",
            {"host": "h", "dbname": "db", "sslmode": "require", "target_session_attrs": "any"},
            "",
        ),
        (
            "postgresql://h/db?sslcert=ca.pem&sslaccept=strict",
            {"host": "h", "dbname": "db", "sslrootcert": "ca.pem"},
            "",
        ),
        (
            "postgresql://h/db?sslcert=ca.pem&sslaccept=accept_invalid_certs",
            {"host": "h", "dbname": "db"},
            "",
        ),
        ("postgresql://u@/db?host=/tmp/s", {"user": "u", "dbname": "db", "host": "/tmp/s"}, ""),
        (
            "postgresql://u:p%40%3F@h1:1,h2:2/db",
            {"user": "u", "password": "p@?", "host": "h1,h2", "port": "1,2", "dbname": "db"},
            "",
        ),
    ],
)
def test_a_url_of_an_application_becomes_one_of_libpq(
    url: str, parameters: dict[str, str], schema: str
) -> None:
    read = parse_database_url(url)

    assert (read.parameters, read.schema) == (parameters, schema or "public")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://u:hunter2@h/db", "its scheme is 'mysql'"),
        ("prisma://accelerate.example/?api_key=hunter2", "Prisma Accelerate"),
        ("prisma+postgres://accelerate.example/?api_key=hunter2", "Prisma Accelerate"),
        ("hunter2", "it has no scheme"),
        ("postgresql://u:hunter2%zz@h/db", "does not parse"),
    ],
)
def test_a_url_that_is_none_is_told_without_repeating_it(url: str, said: str) -> None:
    with pytest.raises(NotConfigured, match=said) as caught:
        parse_database_url(url)

    assert "hunter2" not in repr(vars(caught.value))


def test_the_address_in_messages_has_no_password() -> None:
    read = parse_database_url("postgresql://chef:hunter2@db.example:6543/cloud?schema=menu")

    assert read.where == "db.example:6543/cloud as chef"
    assert "hunter2" not in repr(read)


# --- reading


def test_it_reads_in_a_transaction_that_is_read_only_and_bounded(database: Database) -> None:
    async def settings(session: Session) -> Rows:
        names = ["transaction_read_only", "statement_timeout", "lock_timeout", "application_name"]
        return await session.rows(
            "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (names,)
        )

    assert dict(reading(database.url, settings)) == {  # type: ignore[arg-type]
        "transaction_read_only": "on",
        "statement_timeout": "5000",
        "lock_timeout": "1000",
        "application_name": "chefrelease",
    }


def test_the_server_refuses_a_write(database: Database) -> None:
    error = refused(database.url, lambda session: session.rows("CREATE TABLE t (a int)"))

    assert isinstance(error, Malformed)
    assert "read-only transaction" in error.seen


def test_names_are_quoted_as_identifiers(database: Database) -> None:
    database.execute('CREATE TABLE "odd ""name" AS SELECT 7 AS a')
    database.execute('GRANT SELECT ON "odd ""name" TO PUBLIC')

    found = reading(
        database.url, lambda session: session.rows("SELECT a FROM {table}", table='odd "name')
    )

    assert found == [(7,)]


def test_no_more_than_two_connections_at_a_time(database: Database) -> None:
    seen: list[int] = []

    async def look(probe: PostgresProbe) -> None:
        async with probe.session() as session:
            ((count,),) = await session.rows(
                "SELECT count(*)::int FROM pg_stat_activity"
                " WHERE application_name = 'chefrelease' AND datname = current_database()"
            )
            seen.append(int(str(count)))
            await asyncio.sleep(0.05)

    async def go() -> None:
        probe = PostgresProbe(database.url)
        await asyncio.gather(*(look(probe) for _ in range(6)))

    asyncio.run(go())

    assert len(seen) == 6
    assert max(seen) == 2


def test_nothing_is_left_behind(database: Database) -> None:
    ask(database.url)

    statements = [
        found.group(1)
        for line in database.log()
        if (found := re.search(r"app=chefrelease LOG:  (?:statement|execute \S+): (.*)", line))
    ]
    assert statements[0] == "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    assert "SET LOCAL statement_timeout = '5s'" in statements
    # Behind a pooler a SET without LOCAL, or a prepared statement, would reach the next client.
    assert [s for s in statements if s.startswith("SET ") and not s.startswith("SET LOCAL")] == []
    assert [s for s in statements if s.startswith(("PREPARE", "COMMIT"))] == []


def test_a_replica_is_read() -> None:
    with server() as alone:
        database = alone.database()
        cluster = alone.cluster
        cluster.process.send_signal(signal.SIGINT)
        cluster.process.wait(10)
        (cluster.folder / "data" / "standby.signal").touch()
        port = {"port": str(cluster.port)}
        cluster.process = postgres._spawn(cluster.programs, cluster.folder, server_account(), port)
        postgres._wait_until_ready(cluster)

        found = reading(database.url, lambda session: session.rows("SELECT pg_is_in_recovery()"))
        activity = asyncio.run(active(database.url))

    assert found == [(True,)]
    assert (activity.is_replica, len(activity.sessions)) == (True, 1)


async def active(url: str) -> Activity:
    async with PostgresProbe(url).session() as session:
        return await read_activity(session)


# --- no answer


def test_a_wrong_password_is_named(database: Database) -> None:
    error = refused(database.url.replace(PASSWORD, "wrong"))

    assert isinstance(error, AccessDenied)
    assert error.seen == "the database refuses the user's password"
    assert error.where.endswith(f"/{database.name} as {database.role}")


def test_an_unknown_user_is_named(database: Database) -> None:
    error = refused(database.url.replace(database.role, "nobody"))

    assert isinstance(error, AccessDenied)


def test_a_missing_database_is_named(database: Database) -> None:
    error = refused(database.url.replace(f"/{database.name}", "/absent"))

    assert isinstance(error, NotConfigured)
    assert error.seen == "the server has no database of that name"


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = refused(f"postgresql://u:{PASSWORD}@127.0.0.1:{taken.getsockname()[1]}/db")

    assert isinstance(error, Unreachable)
    assert error.seen == "the database refused the connection"


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    error = refused(f"postgresql://u:{PASSWORD}@chefrelease.invalid/db")

    assert isinstance(error, Unreachable)
    assert error.seen == "the database's host name does not resolve"


def test_tls_that_the_server_refuses_is_named(database: Database) -> None:
    error = refused(f"{database.url}?sslmode=require")

    assert isinstance(error, Unreachable)
    assert error.seen.startswith("TLS was refused")


def test_a_server_that_never_answers_ends_at_the_time_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://u:{PASSWORD}@127.0.0.1:{silent.getsockname()[1]}/db"
        started = time.monotonic()

        with pytest.raises(NoAnswer, match=r"no answer from the database in 0\.3 s"):
            reading(url, lambda session: session.rows("SELECT 1"), timeout_s=0.3)

    assert time.monotonic() - started < 3


def test_a_server_that_is_no_database_is_a_probe_error() -> None:
    async def go() -> None:
        async def chat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(8)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        listening = await asyncio.start_server(chat, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        try:
            async with PostgresProbe(f"postgresql://u:p@127.0.0.1:{port}/db", 3).session():
                pass
        finally:
            listening.close()

    with pytest.raises(ProbeError):
        asyncio.run(go())


def test_a_table_that_may_not_be_read_is_named(database: Database) -> None:
    database.execute("CREATE TABLE secrets (a int)")

    error = refused(database.url, lambda session: session.rows("SELECT a FROM secrets"))

    assert isinstance(error, AccessDenied)
    assert error.seen == "permission denied for table secrets"


def test_a_database_that_may_not_be_entered_is_named(running: Server, database: Database) -> None:
    database.execute(f"REVOKE CONNECT ON DATABASE {database.name} FROM PUBLIC")
    other = running.database()

    error = refused(running.cluster.url(database.name, other.role, PASSWORD))

    assert isinstance(error, AccessDenied)
    assert error.seen == "the user may not connect to this database"


def test_a_query_that_takes_too_long_is_cancelled(database: Database) -> None:
    async def slow(session: Session) -> Rows:
        await session.rows("SELECT set_config('statement_timeout', '50ms', true)")
        return await session.rows("SELECT pg_sleep(5)")

    error = refused(database.url, slow)

    assert isinstance(error, NoAnswer)
    assert "took longer than" in error.seen


def test_a_locked_table_is_not_waited_for(database: Database) -> None:
    database.execute("CREATE TABLE orders (a int)")
    database.execute("GRANT SELECT ON orders TO PUBLIC")

    with psycopg.connect(database.server.cluster.url(database.name, "rehearsal", PASSWORD)) as busy:
        busy.execute("LOCK TABLE orders")
        error = refused(database.url, lambda session: session.rows("SELECT a FROM orders"))

    assert isinstance(error, NoAnswer)
    assert error.seen == "a lock was not free within 1 s"


def test_a_session_that_is_ended_in_the_middle_is_named(database: Database) -> None:
    async def die(session: Session) -> Rows:
        ((pid,),) = await session.rows("SELECT pg_backend_pid()")
        database.execute("SELECT pg_terminate_backend(%s)", pid)
        return await session.rows("SELECT 1")

    error = refused(database.url, die)

    assert isinstance(error, NoAnswer)
    assert "ended the connection in the middle" in error.seen


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (
            'FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "u", no encryption',
            AccessDenied,
            "without TLS",
        ),
        ('FATAL:  no pg_hba.conf entry for host "1.2.3.4"', AccessDenied, "does not let this user"),
        ("FATAL:  sorry, too many clients already", Unreachable, "no free connection"),
        ("FATAL:  the database system is starting up", Unreachable, "starting up"),
        ("SSL error: certificate verify failed", Unreachable, "certificate is not trusted"),
        ("connection timeout expired", Unreachable, "within the time limit"),
        ("server closed the connection unexpectedly", NoAnswer, "in the middle"),
    ],
)
def test_what_libpq_says_becomes_one_line(text: str, kind: type[ProbeError], said: str) -> None:
    error = psycopg.OperationalError(f"connection failed: {text}\n\tIs it running?")

    told = classify(error, parse_database_url("postgresql://u:p@h/d"))

    assert isinstance(told, kind)
    assert said in told.seen
    assert told.remedy
