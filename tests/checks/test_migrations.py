"""migrations.status on a real PostgreSQL and a real repository, every state side by side."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pytest_chefrelease.probes.scratch.migrate import Migration, deploy
from pytest_chefrelease.runbook.evidence import Table, Text
from pytest_chefrelease.runbook.item import Severity, Stage, Symptom
from pytest_chefrelease.runbook.migration_assessment import APPLIED, CORRUPTED, FORWARD
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from tests.checks.looking import verified
from tests.checks.migration_case import DIRECTORY, ERROR, INIT, MENU, ORDERS, SCRIPTS, Case
from tests.checks.work_tree import WorkTree
from tests.probes.databases import PASSWORD, Server, server


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with server() as started:
        yield started


@pytest.fixture
def case(running: Server, tmp_path: Path) -> Case:
    return Case(WorkTree.make(tmp_path / "product"), running.database())


def facts(result: Result) -> dict[str, object]:
    assert result.evidence is not None
    return dict(result.evidence.facts)


def assert_red(result: Result, seen: str) -> None:
    assert (result.outcome, result.severity) == (Outcome.FAILED, Severity.P1)
    assert seen in result.summary
    assert "\n" not in result.summary
    assert result.remedy
    assert (result.symptom or result.item.symptom) is Symptom.MIGRATION_FAILED
    assert PASSWORD not in repr(result)


# --- well


@pytest.mark.parametrize("stage", [Stage.PRERELEASE, Stage.POSTRELEASE])
def test_a_history_that_is_the_releases_passes(case: Case, stage: Stage) -> None:
    case.release()
    case.applied(*SCRIPTS)

    result = case.look(stage)

    assert result.outcome is Outcome.PASSED
    assert facts(result)["applied"] == 3
    assert result.evidence is not None
    assert result.evidence.commit == case.commit


def test_postrelease_says_it_in_the_runbooks_words(case: Case) -> None:
    case.release()
    case.applied(*SCRIPTS)

    summary = case.look(Stage.POSTRELEASE).summary

    assert summary == "Database schema is up to date: 3 migrations applied"


def test_what_this_release_applied_is_shown_with_when_and_how_long(case: Case) -> None:
    case.release({INIT: SCRIPTS[INIT]})
    case.tree.git("tag", "--annotate", "--message=Old", "v1.4.0")
    case.previous = "v1.4.0"
    case.release()
    case.applied(*SCRIPTS)

    evidence = case.look(Stage.POSTRELEASE).evidence

    assert evidence is not None
    table = next(one for one in evidence.attachments if isinstance(one, Table))
    assert table.rows == (
        (MENU, "applied", "2025-09-01 12:01:00 UTC", "1.0 s", ""),
        (ORDERS, "applied", "2025-09-01 12:02:00 UTC", "1.0 s", ""),
    )


def test_without_a_commit_the_work_tree_is_read(case: Case) -> None:
    case.release()
    case.commit = None
    case.applied(*SCRIPTS)

    assert case.look().outcome is Outcome.PASSED


def test_the_release_commit_counts_not_the_work_tree(case: Case) -> None:
    case.release()
    case.applied(*SCRIPTS)
    (case.tree.path / DIRECTORY / ORDERS / "migration.sql").write_text("-- edited, not committed")

    assert case.look().outcome is Outcome.PASSED


# --- pending


def test_pending_is_listed_before_the_deploy_with_size_and_age(case: Case) -> None:
    case.release()
    case.applied(INIT, MENU)

    result = case.look()

    assert result.outcome is Outcome.PASSED
    assert result.summary == f"2 migrations applied, 1 pending: {ORDERS} (30 bytes)"
    assert facts(result)["pending_migrations"] == [{"name": ORDERS, "size_bytes": 30}]
    assert result.evidence is not None
    table = next(one for one in result.evidence.attachments if isinstance(one, Table))
    assert table.rows[0][:2] == (ORDERS, "pending")
    assert table.rows[0][2].startswith("written ")


def test_pending_after_the_deploy_fails(case: Case) -> None:
    case.release()
    case.applied(INIT, MENU)

    result = case.look(Stage.POSTRELEASE)

    assert_red(result, f"{ORDERS} is pending")
    assert "npx prisma migrate deploy" in result.remedy


def test_rolled_back_is_pending_again_before_the_deploy(case: Case) -> None:
    case.release()
    case.applied(INIT, MENU)
    case.row(ORDERS, state="rolled back")

    result = case.look()

    assert result.outcome is Outcome.PASSED
    assert facts(result)["rolled_back"] == [ORDERS]


def test_rolled_back_and_not_applied_again_fails_after_the_deploy(case: Case) -> None:
    case.release()
    case.applied(INIT, MENU)
    case.row(ORDERS, state="rolled back")

    assert_red(
        case.look(Stage.POSTRELEASE),
        f"{ORDERS} was rolled back (2025-09-01 12:02:00 UTC) and not applied again",
    )


def test_rolled_back_and_applied_again_passes(case: Case) -> None:
    case.release()
    case.applied(INIT, MENU)
    case.row(ORDERS, state="rolled back", minute=2)
    case.row(ORDERS, minute=5)

    assert case.look(Stage.POSTRELEASE).outcome is Outcome.PASSED


# --- failed


@pytest.mark.parametrize("stage", [Stage.PRERELEASE, Stage.POSTRELEASE])
def test_a_failed_migration_fails_with_its_log(case: Case, stage: Stage) -> None:
    case.release()
    case.applied(INIT, MENU)
    case.row(ORDERS, state="failed", logs=ERROR)

    result = case.look(stage)

    assert_red(
        result,
        f'{ORDERS} failed (begun 2025-09-01 12:02:00 UTC): ERROR: relation "orders" already exists',
    )
    assert f'migrate resolve --rolled-back "{ORDERS}"' in result.remedy
    assert facts(result)["failed_migration"] == ORDERS
    assert result.evidence is not None
    log = next(one for one in result.evidence.attachments if isinstance(one, Text))
    assert log.title == f"Stored log of {ORDERS}"
    assert "Database error code: 42P07" in log.content


@pytest.mark.parametrize(
    ("script", "applied", "corrupted", "forward"),
    [
        (
            "CREATE TABLE fresh (id int); UPDATE users SET id = 2; CREATE TABLE orders (id int);",
            (
                "none: PostgreSQL undid all 3 together; of its tables public.orders is there, "
                "public.fresh is not"
            ),
            "no: nothing of this try stayed",
            "yes: what it makes is there already",
        ),
        (
            (
                "BEGIN; CREATE TABLE fresh (id int); UPDATE users SET id = 2; COMMIT;"
                " CREATE TABLE orders (id int);"
            ),
            "not known: the script commits by itself",
            "not known: it may have changed or removed rows: line 1, UPDATE users SET id = 2",
            "not known before it is clear what was applied; by its error 42P07",
        ),
        (
            "-- x\n" * 220_000 + "CREATE TABLE orders (id int);",
            "none: PostgreSQL undid all of them together",
            "no: nothing of this try stayed",
            "yes: what it makes is there already",
        ),
    ],
    ids=["undone as a whole", "committed in the middle", "very large"],
)
def test_what_the_protocol_asks_of_a_failed_migration_is_answered(
    case: Case, script: str, applied: str, corrupted: str, forward: str
) -> None:
    case.release(SCRIPTS | {ORDERS: script})
    case.applied(INIT, MENU)
    case.database.execute("CREATE TABLE public.orders (id int)")
    tried = Migration(ORDERS, script.encode())
    assert deploy(case.database.url, [tried]).error

    told = facts(case.look(Stage.POSTRELEASE))["assessment"]

    assert isinstance(told, dict)
    assert told[APPLIED].startswith(applied)
    assert told[CORRUPTED].startswith(corrupted)
    assert told[FORWARD].startswith(forward)


def test_a_failure_is_not_hidden_behind_pending_ones(case: Case) -> None:
    case.release()
    case.applied(INIT)
    case.row(MENU, state="failed", logs=ERROR)

    result = case.look(Stage.POSTRELEASE)

    assert_red(result, f"{MENU} failed")
    assert f"{ORDERS} is pending" in result.summary


def test_a_migration_without_an_error_may_still_be_running(case: Case) -> None:
    case.release()
    case.applied(INIT, MENU)
    case.row(ORDERS, state="failed")

    assert_red(case.look(Stage.POSTRELEASE), "is it still running?")


def test_a_failed_migration_that_is_not_in_the_release_fails_too(case: Case) -> None:
    case.release()
    case.applied(*SCRIPTS)
    case.row("20250401000000_hotfix", state="failed", minute=9, logs=ERROR)

    assert_red(case.look(), "20250401000000_hotfix failed")


def test_a_stored_log_is_bounded(case: Case) -> None:
    case.release()
    case.applied(INIT, MENU)
    case.row(ORDERS, state="failed", logs="ERROR: " + "x" * 100_000 + "\nline" * 1000)

    result = case.look()

    assert len(result.summary) < 500
    assert result.evidence is not None
    log = next(one for one in result.evidence.attachments if isinstance(one, Text))
    assert len(log.content) <= 4000


# --- where prisma migrate status says "up to date"


@pytest.mark.parametrize("stage", [Stage.PRERELEASE, Stage.POSTRELEASE])
def test_edited_after_being_applied_fails(case: Case, stage: Stage) -> None:
    case.release()
    case.applied(INIT, ORDERS)
    case.row(MENU, "CREATE TABLE menu (id bigint);\n")

    result = case.look(stage)

    assert_red(result, f"{MENU} was edited after being applied: checksum ")
    assert facts(result)["edited"] == [MENU]


@pytest.mark.parametrize("stage", [Stage.PRERELEASE, Stage.POSTRELEASE])
def test_applied_but_not_in_the_release_fails(case: Case, stage: Stage) -> None:
    case.release({INIT: SCRIPTS[INIT], MENU: SCRIPTS[MENU]})
    case.applied(*SCRIPTS)

    assert_red(case.look(stage), f"{ORDERS} is applied in the database, but not in the release")


def test_other_line_ends_are_no_edit_and_are_named(case: Case) -> None:
    case.release()
    case.applied(INIT, ORDERS)
    case.row(MENU, SCRIPTS[MENU].replace("\n", "\r\n"))

    result = case.look(Stage.POSTRELEASE)

    assert result.outcome is Outcome.PASSED
    assert "1 applied with other line ends (CRLF, LF)" in result.summary
    assert facts(result)["other_line_ends"] == [MENU]


def test_a_release_with_crlf_fits_a_history_with_lf(case: Case) -> None:
    case.release({**SCRIPTS, MENU: SCRIPTS[MENU].replace("\n", "\r\n")})
    case.applied(*SCRIPTS)

    result = case.look()

    assert (result.outcome, facts(result)["other_line_ends"]) == (Outcome.PASSED, [MENU])


def test_a_checksum_as_old_prisma_wrote_it_is_no_edit(case: Case) -> None:
    case.release()
    case.applied(INIT, ORDERS)
    digest = hashlib.sha256(SCRIPTS[MENU].encode()).digest()
    case.row(MENU, checksum="".join(f"{byte:x}" for byte in digest))

    assert case.look().outcome is Outcome.PASSED


# --- order


def test_a_pending_migration_named_before_applied_ones_fails_before_the_deploy(case: Case) -> None:
    case.release()
    case.applied(INIT, ORDERS)

    result = case.look()

    assert_red(result, f"{MENU} is pending, though {ORDERS}, named later, is applied")


def test_a_history_applied_in_another_order_fails_before_the_deploy(case: Case) -> None:
    case.release()
    case.applied()
    for minute, name in enumerate((INIT, ORDERS, MENU)):
        case.row(name, minute=minute)

    result = case.look()

    assert_red(result, f"{MENU} was applied after {ORDERS}, which is named later")
    assert case.look(accepted_order=[MENU]).outcome is Outcome.PASSED
    assert case.look(Stage.POSTRELEASE).outcome is Outcome.PASSED


# --- no history


def test_tables_without_a_history_need_a_baseline(case: Case) -> None:
    case.release()
    case.database.execute("CREATE TABLE public.users (id int)")

    result = case.look()

    assert_red(result, "the schema has 1 tables, but no history table: it needs a baseline")
    assert "migrate resolve --applied" in result.remedy


def test_an_empty_history_beside_tables_needs_a_baseline(case: Case) -> None:
    case.release()
    case.applied()

    assert_red(case.look(), "the schema has 1 tables, but an empty history")


def test_an_empty_database_is_no_evidence_before_the_deploy(case: Case) -> None:
    case.release()

    result = case.look()

    assert result.outcome is Outcome.UNVERIFIED
    assert result.seen == "the schema is empty: no table, no history"
    assert "?schema=" in result.remedy


def test_an_empty_database_fails_after_the_deploy(case: Case) -> None:
    case.release()

    assert_red(case.look(Stage.POSTRELEASE), f"{INIT} is pending")


def test_tables_of_extensions_are_nobodys(case: Case) -> None:
    case.release()
    case.database.execute("CREATE TABLE public.ours (id int)")
    case.database.execute("CREATE EXTENSION IF NOT EXISTS plpgsql")
    case.database.execute("ALTER EXTENSION plpgsql ADD TABLE public.ours")

    assert case.look().seen.startswith("the schema is empty")


def test_the_schema_of_the_url_is_read(case: Case) -> None:
    case.release()
    case.database.execute(f"CREATE SCHEMA menu AUTHORIZATION {case.database.role}")
    case.history("menu")
    for name in SCRIPTS:
        case.row(name, schema="menu")

    assert case.look(query="?schema=menu&connection_limit=1").outcome is Outcome.PASSED
    assert case.look().seen.startswith("the schema is empty")


# --- the release's own directory


def test_another_providers_migrations_fail(case: Case) -> None:
    case.release(lock='provider = "mysql"\n')
    case.applied(*SCRIPTS)

    assert_red(case.look(), "names the provider 'mysql', not postgresql")


@pytest.mark.parametrize(
    "lock",
    [
        *("provider =\n", "", "\x00", "provider = 3\n"),
        pytest.param(f"provider = {'9' * 5_000}\n", id="many-digits"),
        pytest.param(f"provider = {'[' * 5_000}\n", id="many-brackets"),
    ],
)
def test_an_unreadable_lock_file_fails(case: Case, lock: str) -> None:
    case.release(lock=lock)
    case.applied(*SCRIPTS)

    assert_red(case.look(), "migration_lock.toml cannot be read: ")


def test_a_missing_lock_file_is_no_failure(case: Case) -> None:
    case.release(lock=None)
    case.applied(*SCRIPTS)

    assert case.look().outcome is Outcome.PASSED


def test_a_directory_without_a_script_fails(case: Case) -> None:
    case.release(files={"20250401000000_empty/README.md": "later\n"})
    case.applied(*SCRIPTS)

    assert_red(case.look(), "20250401000000_empty holds no migration.sql")


def test_a_script_that_is_a_symbolic_link_is_no_script(case: Case) -> None:
    case.release()
    folder = case.tree.path / DIRECTORY / "20250401000000_link"
    folder.mkdir()
    (folder / "migration.sql").symlink_to("/etc/hostname")
    case.commit = case.tree.commit({"README.md": "x"})
    case.applied(*SCRIPTS)

    assert case.look().outcome is Outcome.PASSED


def test_a_script_that_is_no_utf8_is_compared_by_its_bytes(case: Case) -> None:
    script = b"-- f\xfcr\nSELECT 1;\n"
    case.release({INIT: script})
    case.applied()
    case.row(INIT, script)

    assert case.look().outcome is Outcome.PASSED


def test_a_release_without_migrations_is_unverified(case: Case) -> None:
    case.commit = case.tree.commit({"README.md": "x"})
    case.applied(*SCRIPTS)

    result = case.look()

    assert result.outcome is Outcome.UNVERIFIED
    assert f"there are no migrations in {DIRECTORY}" in result.summary
    assert "migrations.directory" in result.remedy


# --- bad input: each one clear line, unverified


def assert_unverified(result: Result, seen: str) -> None:
    assert result.outcome is Outcome.UNVERIFIED
    assert seen in result.summary
    assert "\n" not in result.summary
    assert result.remedy
    assert PASSWORD not in repr(result)


def test_a_wrong_password_is_unverified(case: Case) -> None:
    case.release()
    case.database.server.cluster.create_role("guest", "another")
    case.database.role = "guest"

    assert_unverified(case.look(), "the database refuses the user's password")


def test_an_unreachable_database_is_unverified(case: Case) -> None:
    case.release()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        result = verified(
            "migrations.status",
            {"environments": {"production": {"database_env": "DATABASE_URL"}}},
            stage=Stage.PRERELEASE,
            release=Release("v1.5.0", case.commit, "production"),
            repository=case.tree.path,
            environment={"DATABASE_URL": f"postgresql://u:{PASSWORD}@127.0.0.1:{port}/db"},
        )

    assert_unverified(result, "the database refused the connection")


def test_a_history_that_may_not_be_read_is_unverified(case: Case) -> None:
    case.release()
    case.applied(*SCRIPTS)
    case.database.execute("ALTER TABLE public._prisma_migrations OWNER TO rehearsal")

    assert_unverified(case.look(), "permission denied for table _prisma_migrations")


def test_a_history_of_another_form_is_unverified(case: Case) -> None:
    case.release()
    case.database.execute("CREATE TABLE public._prisma_migrations (id int)")
    case.database.execute(f"GRANT SELECT ON public._prisma_migrations TO {case.database.role}")

    assert_unverified(case.look(), "the database refused a query (42703")


def test_a_history_that_is_locked_is_unverified(case: Case) -> None:
    case.release()
    case.applied(*SCRIPTS)
    with psycopg.connect(case.database.url) as busy:
        busy.execute("LOCK TABLE _prisma_migrations")

        assert_unverified(case.look(), "a lock was not free within 1 s")


def test_no_database_configured_is_unverified(case: Case) -> None:
    result = verified("migrations.status", {}, stage=Stage.PRERELEASE)

    assert_unverified(result, "no database is configured")


def test_a_variable_that_is_not_set_is_unverified(case: Case) -> None:
    result = verified(
        "migrations.status",
        {"environments": {"production": {"database_env": "DATABASE_URL"}}},
        stage=Stage.PRERELEASE,
    )

    assert_unverified(result, "DATABASE_URL is not set in the environment")


def test_a_directory_that_is_no_repository_is_unverified(case: Case, tmp_path: Path) -> None:
    case.applied(*SCRIPTS)
    case.tree = WorkTree(tmp_path)
    case.commit = "4" * 40

    assert_unverified(case.look(), "the directory is no git repository")


def test_a_thousand_migrations_are_compared(case: Case) -> None:
    names = [f"2025{n:010}_step" for n in range(1000)]
    case.release({name: f"SELECT {n};\n" for n, name in enumerate(names)})
    case.applied()
    case.rows({name: f"SELECT {n};\n" for n, name in enumerate(names[:-1])})

    result = case.look()

    assert result.outcome is Outcome.PASSED
    assert (facts(result)["applied"], facts(result)["pending"]) == (999, 1)
