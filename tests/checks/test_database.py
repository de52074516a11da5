"""database.connections on a real PostgreSQL: what is wrong, whose it is, and what is hidden."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.checks.watching import Watch
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.runbook.evidence import Chart, Evidence, Table
from pytest_chefrelease.runbook.item import Severity, Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import Settings
from tests.checks.looking import verified
from tests.checks.virtual_time import Clock
from tests.probes.databases import PASSWORD, Database, Server, server

ITEM = "database.connections"
TARGET = {"production": {"database_env": "DB"}}


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with server() as started:
        yield started


@pytest.fixture
def database(running: Server) -> Database:
    return running.database()


def look(database: Database, role: str | None = None, **settings: object) -> Result:
    url = database.url if role is None else database.url.replace(f"{database.role}:", f"{role}:")
    tables = {"environments": TARGET, "database": settings}
    return verified(ITEM, tables, environment={"DB": url})


def connected(database: Database, application: str) -> psycopg.Connection:
    return psycopg.connect(database.url, application_name=application)


@contextmanager
def blocked(database: Database) -> Iterator[tuple[int, int]]:
    """The pids of a session that holds a row, idle, and of one that waits for it."""
    database.execute("CREATE TABLE IF NOT EXISTS public.t AS SELECT 1 AS a")
    database.execute(f"GRANT ALL ON public.t TO {database.role}")
    with connected(database, "payroll") as holder, connected(database, "api") as waiter:
        holder.execute("UPDATE t SET a = 2")
        waiter.pgconn.send_query(b"UPDATE t SET a = 3")
        time.sleep(0.25)
        yield holder.info.backend_pid, waiter.info.backend_pid
        holder.rollback()
        waiter.pgconn.get_result()
        waiter.close()


def assert_outcome(result: Result, outcome: Outcome, *said: str) -> None:
    assert result.outcome is outcome, result.summary
    text = f"{result.summary} {result.remedy}"
    assert [part for part in said if part not in text] == [], text
    assert PASSWORD not in repr(result)


def test_few_connections_that_work_pass_and_are_listed(database: Database) -> None:
    with connected(database, "api"), connected(database, "api"):
        result = look(database)

    assert_outcome(result, Outcome.PASSED, "of 60 connections in use", "none stuck")
    assert result.evidence is not None
    (table,) = result.evidence.attachments
    assert isinstance(table, Table)
    assert ("api", database.name, "2", "2 idle") in table.rows


def test_a_transaction_left_open_is_named_with_application_and_age(database: Database) -> None:
    with connected(database, "payroll") as forgotten:
        forgotten.execute("SELECT 1")
        time.sleep(0.15)
        result = look(database, idle_in_transaction="100ms")
        assert look(database).outcome is Outcome.PASSED
        pid = forgotten.info.backend_pid

    assert_outcome(
        result,
        Outcome.FAILED,
        f"1 open transaction in which nothing is done: payroll ({database.role}, pid {pid})",
        "idle in transaction for 0 s",
        f"pg_terminate_backend({pid})",
    )
    assert result.severity is Severity.P2


def test_a_blocked_session_is_told_with_who_blocks_it(database: Database) -> None:
    with blocked(database) as (holder, waiter):
        result = look(database, blocked="100ms")
        assert look(database).outcome is Outcome.PASSED

    assert_outcome(
        result,
        Outcome.FAILED,
        f"1 blocked session: api ({database.role}, pid {waiter}), active",
        f"for a lock of payroll ({database.role}, pid {holder}), idle in transaction",
        f"pg_terminate_backend({holder})",
    )


@pytest.mark.parametrize("what", ["ROLE", "DATABASE"])
def test_a_limit_of_role_or_database_counts_as_the_server_s(database: Database, what: str) -> None:
    name = database.role if what == "ROLE" else database.name
    database.execute(f"ALTER {what} {name} CONNECTION LIMIT 4")

    with connected(database, "api"), connected(database, "api"), connected(database, "api"):
        result = look(database)

    limit = f"4 of 4 connections in use (100%, CONNECTION LIMIT of {what.lower()} {name})"
    assert_outcome(result, Outcome.FAILED, limit, "3 of them api", "less than 80%")


def test_near_the_server_s_own_limit_is_red(database: Database) -> None:
    with connected(database, "api"):
        result = look(database, max_used=0.02)

    assert_outcome(result, Outcome.FAILED, "of 60 connections in use", "max_connections")


@pytest.fixture
def stranger(database: Database) -> str:
    """A role that sees that others are there, and not what they do."""
    role = f"{database.role}_reader"
    database.server.cluster.create_role(role, PASSWORD)
    return role


def test_hidden_sessions_leave_it_open_until_the_user_may_see_them(
    database: Database, stranger: str
) -> None:
    with connected(database, "payroll") as forgotten:
        forgotten.execute("SELECT 1")
        unseen = look(database, stranger)
        database.execute(f"GRANT pg_monitor TO {stranger}")
        time.sleep(0.15)
        seen = look(database, stranger, idle_in_transaction="100ms")

    assert_outcome(unseen, Outcome.UNVERIFIED, "1 of the database's sessions", "pg_read_all_stats")
    assert_outcome(seen, Outcome.FAILED, "payroll")


def test_sessions_of_other_databases_are_counted_though_hidden(
    running: Server, database: Database
) -> None:
    with connected(running.database(), "elsewhere"):
        result = look(database)

    assert_outcome(result, Outcome.PASSED, "1 of other users, counted and not seen")


def test_a_blocked_session_is_seen_by_a_user_who_sees_nothing_else(
    database: Database, stranger: str
) -> None:
    with blocked(database) as (holder, _):
        result = look(database, stranger, blocked="100ms")

    assert_outcome(result, Outcome.FAILED, "1 blocked session", f"pid {holder}", "not visible")


def watched(database: Database, leaks: int, looks: int = 10) -> Evidence:
    """The last look of a watch, in whose every minute so many connections are opened and kept."""
    clock = Clock()
    folder = database.server.cluster.folder
    settings = Settings.model_validate({"environments": TARGET})
    context = Context(
        settings=settings,
        release=Release("v1.5.0", None, "production"),
        stage=Stage.MONITORING,
        repository=folder,
        probes=Probes(settings, folder),
        once=Once(),
        environment={"DB": database.url},
        watch=Watch(looks * 60, 60, clock=clock.steady, wall=clock.wall),
    )

    async def go() -> Evidence:
        for _ in range(looks - 1):
            await catalogue()[ITEM].verify(context)
            clock.now += 60
            for _ in range(leaks):
                kept.enter_context(connected(database, "leaky"))
        return await catalogue()[ITEM].verify(context)

    with ExitStack() as kept:
        return asyncio.run(go())


def test_connections_that_are_never_given_back_are_a_leak(database: Database) -> None:
    with pytest.raises(Failed, match=r"connections grow by 1\.0 a minute") as failed:
        watched(database, leaks=1, looks=14)

    assert "(Mann-Kendall, p = " in failed.value.seen
    assert failed.value.evidence is not None
    chart, table = failed.value.evidence.attachments
    assert isinstance(chart, Chart)
    assert chart.limit == 48
    assert isinstance(table, Table)
    assert table.rows[0][0] == "leaky"


def test_a_number_that_stays_is_no_leak(database: Database) -> None:
    evidence = watched(database, leaks=0)

    assert "no growth (Mann-Kendall" in evidence.summary


def test_a_watch_too_short_to_see_growth_leaves_it_open(database: Database) -> None:
    with pytest.raises(Unverified, match="too few looks to see growth"):
        watched(database, leaks=0, looks=7)


def test_without_a_database_it_is_open() -> None:
    result = verified(ITEM, {}, environment={})

    assert_outcome(result, Outcome.UNVERIFIED, "environments.production.database_env")
