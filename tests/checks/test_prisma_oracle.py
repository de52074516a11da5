"""migrations.status beside the real `prisma migrate status`, every state on one server."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.postgres import PostgresProbe
from pytest_chefrelease.probes.prisma import read_history, read_release_migrations
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.migration_history import Comparison, DatabaseHistory, compare
from pytest_chefrelease.runbook.migration_witness import disagreement, read_word
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.checks.migration_case import DIRECTORY, ERROR, INIT, MENU, ORDERS, SCRIPTS, Case
from tests.checks.work_tree import WorkTree
from tests.probes.databases import PASSWORD, Server, server

PRISMA = Path(__file__).parents[2] / ".venv" / "prisma"
UP_TO_DATE, PENDING = "Database schema is up to date!", "have not yet been applied"


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with server() as started:
        yield started


@dataclass(frozen=True)
class State:
    """A state; what Prisma says of it and its exit code, and what we say."""

    name: str
    make: Callable[[Case], None]
    code: int
    prisma: str
    ours: str
    outcome: Outcome = Outcome.FAILED
    query: str = ""


def up_to_date(case: Case) -> None:
    case.release()
    case.applied(*SCRIPTS)


def pending(case: Case) -> None:
    case.release()
    case.applied(INIT, MENU)


def failed(case: Case) -> None:
    pending(case)
    case.row(ORDERS, state="failed", logs=ERROR)


def failed_behind_pending(case: Case) -> None:
    case.release()
    case.applied(INIT)
    case.row(MENU, state="failed", logs=ERROR)


def rolled_back(case: Case) -> None:
    pending(case)
    case.row(ORDERS, state="rolled back")


def rolled_back_and_applied(case: Case) -> None:
    rolled_back(case)
    case.row(ORDERS, minute=9)


def edited(case: Case) -> None:
    up_to_date(case)
    case.release({**SCRIPTS, MENU: "CREATE TABLE menu (id bigint);\n"})


def absent(case: Case) -> None:
    case.release({INIT: SCRIPTS[INIT], ORDERS: SCRIPTS[ORDERS]})
    case.applied(*SCRIPTS)


def diverged(case: Case) -> None:
    case.release()
    case.applied(INIT, ORDERS)


def without_history(case: Case) -> None:
    case.release()
    case.database.execute("CREATE TABLE public.users (id int)")


def empty(case: Case) -> None:
    case.release()


def in_another_schema(case: Case) -> None:
    case.release()
    case.database.execute(f"CREATE SCHEMA menu AUTHORIZATION {case.database.role}")
    case.history("menu")
    for name in SCRIPTS:
        case.row(name, schema="menu")


def of_another_provider(case: Case) -> None:
    case.release(lock='provider = "mysql"\n')
    case.applied(*SCRIPTS)


def without_script(case: Case) -> None:
    case.release(files={"20250401000000_nothing/README.md": "to do"})
    case.applied(*SCRIPTS)


def with_other_line_ends(case: Case) -> None:
    case.release({name: text.replace("\n", "\r\n") for name, text in SCRIPTS.items()})
    case.applied(*SCRIPTS)


STATES = (
    State("up to date", up_to_date, 0, UP_TO_DATE, "up to date", Outcome.PASSED),
    State("pending", pending, 1, PENDING, f"{ORDERS} is pending"),
    State("failed", failed, 1, "migration have failed", f"{ORDERS} failed"),
    State("failed, others pending", failed_behind_pending, 1, PENDING, f"{MENU} failed"),
    State("rolled back", rolled_back, 0, UP_TO_DATE, "not applied again"),
    State(
        "rolled back, then applied",
        rolled_back_and_applied,
        0,
        UP_TO_DATE,
        "up to date",
        Outcome.PASSED,
    ),
    State("edited", edited, 0, UP_TO_DATE, f"{MENU} was edited after being applied"),
    State("absent from the release", absent, 0, UP_TO_DATE, f"{MENU} is applied in the database"),
    State("diverged", diverged, 1, MENU, f"{MENU} is pending"),
    State("tables without history", without_history, 1, PENDING, "needs a baseline"),
    State("empty database", empty, 1, PENDING, f"{INIT} is pending"),
    State(
        "another schema",
        in_another_schema,
        0,
        UP_TO_DATE,
        "up to date",
        Outcome.PASSED,
        "?schema=menu",
    ),
    State("another provider", of_another_provider, 1, "P3019", "the provider 'mysql'"),
    State("without script", without_script, 1, "20250401000000_nothing", "holds no migration.sql"),
    State("CRLF", with_other_line_ends, 0, UP_TO_DATE, "other line ends", Outcome.PASSED),
)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_we_say_what_prisma_says_and_what_it_passes_over(
    running: Server, tmp_path: Path, state: State
) -> None:
    case = Case(WorkTree.make(tmp_path / "product"), running.database())
    state.make(case)

    code, said = prisma_status(case, state.query)
    result = case.look(Stage.POSTRELEASE, state.query)

    assert (code, state.prisma in said) == (state.code, True), said
    assert result.outcome is state.outcome, result.summary
    assert state.ours in result.summary
    word = read_word(said)
    assert word is None or disagreement(word, compared(case, state.query)) == ""
    assert (word is None) == (state.prisma == "P3019")


def compared(case: Case, query: str) -> Comparison:
    """What our own reading finds, for the state as Prisma saw it."""

    async def read() -> DatabaseHistory:
        async with PostgresProbe(case.database.url + query).session() as session:
            return await read_history(session)

    release = read_release_migrations(GitProbe(case.tree.path), case.commit, DIRECTORY)
    return compare(release, asyncio.run(read()))


def prisma_status(case: Case, query: str) -> tuple[int, str]:
    """Exit code and output of the real command."""
    program = PRISMA / "node_modules" / "prisma" / "build" / "index.js"
    assert program.exists(), "make test installs it: make .venv/stamps/prisma"
    # It looks for engines that this configuration does not use; any file will do.
    engine = str(PRISMA / "package.json")
    done = subprocess.run(
        ["node", program, "migrate", "status", "--config", "prisma.config.ts"],
        cwd=PRISMA,
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "DATABASE_URL": case.database.url + query,
            "ORACLE_MIGRATIONS": str(case.tree.path / DIRECTORY),
            "PRISMA_QUERY_ENGINE_LIBRARY": engine,
            "PRISMA_SCHEMA_ENGINE_BINARY": engine,
            "PRISMA_HIDE_UPDATE_MESSAGE": "1",
            "CHECKPOINT_DISABLE": "1",
            "NO_COLOR": "1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


# --- as a second witness


@pytest.fixture
def product(running: Server, tmp_path: Path) -> Case:
    """A checkout in which Prisma is installed, as npm leaves it."""
    case = Case(WorkTree.make(tmp_path / "product"), running.database())
    package = case.tree.path / "packages" / "db"
    package.mkdir(parents=True)
    (package / "node_modules").symlink_to(PRISMA / "node_modules")
    for name in ("prisma.config.ts", "schema.prisma"):
        (package / name).write_bytes((PRISMA / name).read_bytes())
    return case


def heard(case: Case, stage: Stage = Stage.POSTRELEASE, **variables: str) -> Result:
    """migrations.status with Prisma as a witness, which is given these variables besides."""
    engine = str(PRISMA / "package.json")
    given = {
        "ORACLE_MIGRATIONS": str(case.tree.path / DIRECTORY),
        "PRISMA_QUERY_ENGINE_LIBRARY": engine,
        "PRISMA_SCHEMA_ENGINE_BINARY": engine,
        **variables,
    }
    surroundings = {"PATH": os.environ["PATH"], "SECRET_OF_OTHERS": "x"}
    case.variables = {**surroundings, **given}
    return case.look(stage, ask_prisma=True, prisma_variables=list(given))


def test_a_witness_that_agrees_is_named(product: Case) -> None:
    up_to_date(product)

    result = heard(product)

    assert result.outcome is Outcome.PASSED
    assert result.summary.endswith("3 migrations applied; Prisma agrees")


def test_what_it_is_known_to_pass_over_is_our_failure_and_no_disagreement(product: Case) -> None:
    edited(product)

    result = heard(product)

    assert result.outcome is Outcome.FAILED
    assert "was edited after being applied" in result.summary


def test_a_witness_that_contradicts_holds_the_release_with_both_named(product: Case) -> None:
    up_to_date(product)
    other = product.tree.path / "other" / "20990101000000_more" / "migration.sql"
    other.parent.mkdir(parents=True)
    other.write_text("SELECT 1;")

    result = heard(product, ORACLE_MIGRATIONS=str(other.parents[1]))

    assert result.outcome is Outcome.UNVERIFIED
    assert (
        "Prisma says pending: 20990101000000_more; the history that was read here says up to"
        in (result.summary)
    )


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda case: (case.tree.path / "packages/db/node_modules").unlink(), "is not installed"),
        (
            lambda case: (case.tree.path / DIRECTORY / ORDERS / "migration.sql").write_text("-- x"),
            "the work tree holds other migrations than the release commit",
        ),
        (
            lambda case: (case.tree.path / "packages/db/prisma.config.ts").write_text(
                "const { DATABASE_URL, DIRECT_URL, SECRET_OF_OTHERS } = process.env;"
                "throw new Error(`bad ${DATABASE_URL} ${DIRECT_URL} ${SECRET_OF_OTHERS}`)"
            ),
            "exit code 1",
        ),
    ],
    ids=["not installed", "another work tree", "an error"],
)
def test_a_witness_that_is_not_heard_holds_the_release_and_tells_no_secret(
    product: Case, break_it: Callable[[Case], object], said: str
) -> None:
    up_to_date(product)
    break_it(product)

    result = heard(product, DIRECT_URL="postgresql://owner:of-the-direct-one@db.example/chef")

    assert result.outcome is Outcome.UNVERIFIED
    assert said in result.summary
    assert PASSWORD not in repr(result)
    assert "of-the-direct-one" not in repr(result)
