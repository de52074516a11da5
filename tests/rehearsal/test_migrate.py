from __future__ import annotations

import hashlib
from pathlib import Path

import psycopg
import pytest

from pytest_chefrelease.probes.scratch.migrate import Migration, deploy, read_migrations
from pytest_chefrelease.rehearsal.stack import Stack

GOOD = Migration("20270101000000_good", b"CREATE TABLE good (id int);")
BAD = Migration("20270102000000_bad", b"CREATE TABLE half (id int); SELECT * FROM nowhere;")
LATER = Migration("20270103000000_later", b"CREATE TABLE later (id int);")


def _history(stack: Stack) -> list[tuple[object, ...]]:
    with psycopg.connect(stack.production.url) as connection:
        return connection.execute(
            "SELECT migration_name, checksum, finished_at IS NOT NULL, rolled_back_at,"
            " applied_steps_count, logs FROM _prisma_migrations ORDER BY started_at, id"
        ).fetchall()


@pytest.fixture
def touched(stack: Stack) -> Stack:
    stack.production.is_touched = True
    return stack


def test_migrations_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("20250102_b", "20250101_z", "20250101_a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "migration.sql").write_bytes(b"SELECT 1;\r\n")
    (tmp_path / "20250103_empty").mkdir()
    (tmp_path / "migration_lock.toml").write_text('provider = "postgresql"')

    names = [migration.name for migration in read_migrations(tmp_path)]

    assert names == ["20250101_a", "20250101_z", "20250102_b"]


def test_the_checksum_is_over_the_bytes_as_they_are() -> None:
    assert Migration("x", b"SELECT 1;\r\n").checksum == hashlib.sha256(b"SELECT 1;\r\n").hexdigest()


def test_the_history_has_prismas_columns(stack: Stack) -> None:
    with psycopg.connect(stack.production.url) as connection:
        columns = connection.execute(
            "SELECT column_name, data_type, character_maximum_length, is_nullable"
            " FROM information_schema.columns WHERE table_name = '_prisma_migrations'"
            " ORDER BY ordinal_position"
        ).fetchall()

    assert columns == [
        ("id", "character varying", 36, "NO"),
        ("checksum", "character varying", 64, "NO"),
        ("finished_at", "timestamp with time zone", None, "YES"),
        ("migration_name", "character varying", 255, "NO"),
        ("logs", "text", None, "YES"),
        ("rolled_back_at", "timestamp with time zone", None, "YES"),
        ("started_at", "timestamp with time zone", None, "NO"),
        ("applied_steps_count", "integer", None, "NO"),
    ]


def test_what_is_applied_is_not_applied_again(touched: Stack) -> None:
    url = touched.production.url

    assert deploy(url, [GOOD]).applied == (GOOD.name,)
    assert deploy(url, [GOOD]).applied == ()
    assert _history(touched)[-1] == (GOOD.name, GOOD.checksum, True, None, 1, None)


def test_the_first_failure_stops_the_deployment_and_is_recorded(touched: Stack) -> None:
    done = deploy(touched.production.url, [GOOD, BAD, LATER])

    assert done.applied == (GOOD.name,)
    assert done.error is not None
    assert "nowhere" in done.error
    name, checksum, is_finished, rolled_back_at, steps, logs = _history(touched)[-1]
    assert (name, checksum, is_finished, rolled_back_at, steps) == (
        BAD.name,
        BAD.checksum,
        False,
        None,
        0,
    )
    assert 'relation "nowhere" does not exist' in str(logs)
    assert "42P01" in str(logs)


def test_a_failed_migration_leaves_nothing_of_itself(touched: Stack) -> None:
    deploy(touched.production.url, [BAD])

    with psycopg.connect(touched.production.url) as connection:
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)


def test_a_standing_failure_refuses_the_next_deployment(touched: Stack) -> None:
    deploy(touched.production.url, [BAD])

    done = deploy(touched.production.url, [LATER])

    assert done.applied == ()
    assert done.error == f"P3009: migration {BAD.name} has failed before"
