"""migrations.tested-on-staging and migrations.safe on a real PostgreSQL and repository."""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pytest_chefrelease.runbook.evidence import Table
from pytest_chefrelease.runbook.item import Severity, Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from tests.checks.looking import verified
from tests.checks.migration_case import INIT, MENU, ORDERS, SCRIPTS, Case
from tests.checks.work_tree import WorkTree
from tests.probes.databases import PASSWORD, Server, server


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with server() as started:
        yield started


@dataclass
class Tried:
    """A release, production's database with INIT and MENU applied, and staging's."""

    production: Case
    staging: Case

    def look(self, item: str, environment: str = "production", **migrations: object) -> Result:
        tables = {"production": {"database_env": "DB"}, "staging": {"database_env": "STAGING"}}
        return verified(
            item,
            {
                "release": {"environment": environment},
                "environments": tables,
                "migrations": migrations,
            },
            stage=Stage.PRERELEASE,
            release=Release("v1.5.0", self.production.commit, environment),
            repository=self.production.tree.path,
            environment={
                "DB": self.production.database.url,
                "STAGING": self.staging.database.url,
            },
        )

    def release(self, script: str = SCRIPTS[ORDERS]) -> None:
        """A release whose last migration, the pending one, has this script."""
        self.production.release(SCRIPTS | {ORDERS: script})

    def tried(self, *names: str) -> None:
        self.staging.applied(*names)


@pytest.fixture
def release(running: Server, tmp_path: Path) -> Tried:
    production = Case(WorkTree.make(tmp_path / "product"), running.database())
    production.release()
    production.applied(INIT, MENU)
    return Tried(production, replace(production, database=running.database()))


def rows(result: Result) -> tuple[tuple[str, ...], ...]:
    assert result.evidence is not None
    (table,) = result.evidence.attachments
    assert isinstance(table, Table)
    return table.rows


def assert_outcome(result: Result, outcome: Outcome, *said: str) -> None:
    assert result.outcome is outcome, result.summary
    text = f"{result.summary} {result.remedy}"
    assert [part for part in said if part not in text] == [], text
    assert PASSWORD not in repr(result)
    assert "\n" not in result.summary


# --- tested on staging


TESTED = "migrations.tested-on-staging"


def test_what_staging_has_applied_is_tested(release: Tried) -> None:
    release.tried(INIT, MENU, ORDERS)

    result = release.look(TESTED)

    assert_outcome(result, Outcome.PASSED, "1 of 1 pending migrations applied on staging", ORDERS)
    assert rows(result) == ((ORDERS, "applied", "2025-09-01 12:02:00 UTC", "1.0 s"),)


def test_line_ends_do_not_make_it_another_script(release: Tried) -> None:
    release.tried(INIT, MENU)
    release.staging.row(ORDERS, SCRIPTS[ORDERS].replace("\n", "\r\n"))

    assert_outcome(release.look(TESTED), Outcome.PASSED)


@pytest.mark.parametrize(
    ("state", "script", "said"),
    [
        ("applied", "CREATE TABLE orders (id bigint);", "is another script on staging"),
        ("failed", None, "failed on staging"),
        ("rolled back", None, "was rolled back on staging and not applied again"),
    ],
)
def test_what_went_otherwise_on_staging_is_red(
    release: Tried, state: str, script: str | None, said: str
) -> None:
    release.tried(INIT, MENU)
    release.staging.row(ORDERS, script, state=state)

    result = release.look(TESTED)

    assert_outcome(result, Outcome.FAILED, f"{ORDERS} {said}")
    assert result.severity is Severity.P1
    assert rows(result)[0][1].startswith(said)


def test_what_staging_never_saw_is_red(release: Tried) -> None:
    release.tried(INIT)

    result = release.look(TESTED)

    assert_outcome(result, Outcome.FAILED, f"{ORDERS} is not applied on staging", "migrate deploy")


def test_a_staging_without_history_leaves_it_open(release: Tried) -> None:
    result = release.look(TESTED)

    assert_outcome(result, Outcome.UNVERIFIED, "no migration history", "?schema=")


def test_without_staging_s_database_it_is_open(release: Tried) -> None:
    result = verified(
        TESTED,
        {"environments": {"production": {"database_env": "DB"}}},
        stage=Stage.PRERELEASE,
        release=Release("v1.5.0", release.production.commit, "production"),
        repository=release.production.tree.path,
        environment={"DB": release.production.database.url},
    )

    assert_outcome(result, Outcome.UNVERIFIED, "environments.staging.database_env")


@pytest.mark.parametrize("item", [TESTED, "migrations.safe"])
def test_where_nothing_is_pending_it_does_not_apply_and_says_why(release: Tried, item: str) -> None:
    release.production.row(ORDERS)

    assert_outcome(release.look(item), Outcome.NOT_APPLICABLE, "all 3 of the release are applied")


# --- safe


SAFE = "migrations.safe"
ORDER_ROWS = "CREATE TABLE orders AS SELECT n AS id, n AS a FROM generate_series(1, 1000) n"


def test_a_migration_that_only_adds_is_safe(release: Tried) -> None:
    result = release.look(SAFE)

    assert_outcome(result, Outcome.PASSED, ORDERS, "none locks or takes away")


def test_an_index_on_a_large_table_is_told_with_lock_size_and_the_safer_way(
    release: Tried,
) -> None:
    release.release("-- squawk-ignore-file\nCREATE INDEX i ON orders (id);\n")
    release.production.database.execute(ORDER_ROWS)
    release.production.database.execute("ANALYZE orders")

    result = release.look(SAFE, small_table=8192)

    assert_outcome(
        result,
        Outcome.FAILED,
        f"{ORDERS} line 2 builds an index on orders (",
        " kB, 1000 rows), SHARE: blocks writes, while it is built",
        "CREATE INDEX CONCURRENTLY, in a migration of its own",
        'rule = "require-concurrent-index-creation"',
    )
    assert result.severity is Severity.P2


def test_a_lock_on_a_small_table_does_not_count_and_is_shown(release: Tried) -> None:
    release.release("CREATE INDEX i ON orders (id);\n")
    release.production.database.execute(ORDER_ROWS)

    result = release.look(SAFE)

    assert_outcome(result, Outcome.PASSED, "1 on small tables")
    assert rows(result)[0][5] == "no, a small table"


@pytest.mark.parametrize(
    ("script", "rule", "on"),
    [
        ("ALTER TABLE users DROP COLUMN id;", "ban-drop-column", "users"),
        ('DROP TABLE "users", gone;', "ban-drop-table", "gone (not there)"),
        ("TRUNCATE ONLY users;", "emptying-table", "users"),
        ("DELETE FROM users;", "emptying-table", "users"),
        ("ALTER TABLE users ALTER id TYPE smallint;", "changing-column-type", "users"),
        ("DO $$ BEGIN DROP TABLE users; END $$;", "opaque-block", ""),
        (
            "SELECT 1; CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON users (id);",
            "concurrently-with-others",
            "users",
        ),
    ],
)
def test_what_destroys_or_cannot_work_counts_on_any_table(
    release: Tried, script: str, rule: str, on: str
) -> None:
    release.release(script)

    result = release.look(SAFE)

    assert_outcome(result, Outcome.FAILED, rule, on)


def test_a_foreign_key_names_both_tables_and_is_told_once(release: Tried) -> None:
    release.release("ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES users (id);")
    release.production.database.execute(ORDER_ROWS)

    result = release.look(SAFE, small_table=0)

    assert_outcome(result, Outcome.FAILED, "adds a foreign key on orders (", "users (0 bytes")
    assert len(rows(result)) == 1


def test_an_index_is_sized_by_its_table(release: Tried) -> None:
    release.release("DROP INDEX by_id;")
    release.production.database.execute(ORDER_ROWS + "; CREATE INDEX by_id ON orders (id)")

    result = release.look(SAFE, small_table=0)

    assert_outcome(result, Outcome.FAILED, "drops an index on orders (")


def test_a_partitioned_table_is_as_large_as_its_partitions(release: Tried) -> None:
    release.release("CREATE INDEX i ON parted (id);")
    release.production.database.execute(
        "CREATE TABLE parted (id int) PARTITION BY RANGE (id);"
        "CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (10);"
        "INSERT INTO parted SELECT 1 FROM generate_series(1, 1000)"
    )

    result = release.look(SAFE, small_table=8192)

    assert_outcome(result, Outcome.FAILED, "builds an index on parted (")


def test_what_the_pending_scripts_create_is_no_finding(release: Tried) -> None:
    release.release('CREATE TABLE "New" (id int);\nCREATE INDEX i ON "New" (id);')

    assert_outcome(release.look(SAFE), Outcome.PASSED)


def test_an_accepted_finding_shows_as_accepted_with_its_reason(release: Tried) -> None:
    release.release("ALTER TABLE users DROP COLUMN id;")
    accepted = {"migration": ORDERS, "rule": "ban-drop-column", "reason": "unused since v1.3"}

    result = release.look(SAFE, accepted=[accepted])

    assert_outcome(result, Outcome.PASSED, "drops a column", "accepted: unused since v1.3")
    assert rows(result)[0][5] == "accepted: unused since v1.3"


def test_an_acceptance_of_another_table_does_not_hold_and_is_told(release: Tried) -> None:
    release.release("ALTER TABLE users DROP COLUMN id;")
    accepted = {"migration": ORDERS, "rule": "ban-drop-column", "table": "menu", "reason": "old"}

    result = release.look(SAFE, accepted=[accepted])

    assert_outcome(result, Outcome.FAILED, "drops a column on users")
    assert result.evidence is not None
    assert result.evidence.summary.endswith(f"not found: ban-drop-column in {ORDERS} on menu")


def test_what_the_parser_does_not_understand_leaves_it_open(release: Tried) -> None:
    release.release("CREATE TABLE a (id int);\nCREATE TABL b;\n")

    result = release.look(SAFE)

    assert_outcome(result, Outcome.UNVERIFIED, f"does not understand {ORDERS}, line 2")


def test_a_script_of_many_megabytes_leaves_it_open(release: Tried) -> None:
    release.release("INSERT INTO users VALUES (1);\n" * 200_000)

    assert_outcome(release.look(SAFE), Outcome.UNVERIFIED, "too large to be read (6 MB)")


def test_bytes_that_are_no_text_are_read_tolerantly(release: Tried) -> None:
    script = b"SELECT '\xff\xe9'; ALTER TABLE users DROP COLUMN id;"
    release.production.release({**SCRIPTS, ORDERS: script})

    assert_outcome(release.look(SAFE), Outcome.FAILED, "line 1 drops a column on users")


def test_without_squawk_it_is_open(release: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: "/nowhere")
    monkeypatch.setattr(shutil, "which", lambda _name: None)

    assert_outcome(release.look(SAFE), Outcome.UNVERIFIED, "squawk", "[lint]")


def test_a_rule_that_there_is_not_is_a_mistake() -> None:
    accepted = {"migration": ORDERS, "rule": "ban-everything", "reason": "x"}

    with pytest.raises(ValueError, match=r"a rule of migrations\.safe is allowed"):
        verified(SAFE, {"migrations": {"accepted": [accepted]}}, stage=Stage.PRERELEASE)
