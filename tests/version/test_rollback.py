"""rollback.previous-release on real histories, their migrations read by squawk."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_chefrelease.probes.breaking_changes import breaking_changes
from pytest_chefrelease.rehearsal.repository import git
from pytest_chefrelease.runbook.evidence import Table, Text
from pytest_chefrelease.runbook.outcome import Outcome
from tests.version.product import MIGRATIONS, Product, assert_outcome

ITEM = "rollback.previous-release"


@pytest.fixture
def product(tmp_path: Path) -> Product:
    return Product.make(tmp_path).released("v1.4.2")


def release(product: Product, **scripts: str) -> None:
    files = {f"{MIGRATIONS}/{name}/migration.sql": text for name, text in scripts.items()}
    product.tree.commit({"code.ts": "new", **files}, "feat: channels")
    product.tag("v1.5.0")
    product.push()


def test_migrations_that_only_add_leave_the_way_back_open(product: Product) -> None:
    release(product, m1='CREATE TABLE "c" (a text);\nALTER TABLE "orders" ADD COLUMN b text;')

    result = product.look(ITEM)

    assert_outcome(result, Outcome.PASSED, "v1.4.2", "its code survives 1 new migrations")
    assert result.evidence is not None
    (commands,) = result.evidence.attachments
    assert isinstance(commands, Text)
    assert "Deploy v1.4.2 again" in commands.content


def test_a_destructive_migration_is_the_point_of_no_return(product: Product) -> None:
    release(product, m1="SELECT 1;", m2='-- squawk-ignore-file\nALTER TABLE "o" DROP COLUMN "x";')

    result = product.look(ITEM)

    assert_outcome(
        result,
        Outcome.FAILED,
        "code rollback to v1.4.2 is not safe: m2 drops a column (line 2)",
        "from m2 on the way back is the backup",
    )
    assert result.severity == "P2"
    assert result.evidence is not None
    table = result.evidence.attachments[0]
    assert isinstance(table, Table)
    assert table.rows == (("m2", "2", "drops a column", 'ALTER TABLE "o" DROP COLUMN "x"'),)


def test_migrations_of_earlier_releases_do_not_count(product: Product) -> None:
    release(product, m1="DROP TABLE old;")
    product.tree.commit({"code.ts": "later"}, "fix: it")
    product.tag("v1.5.1")
    product.push()

    assert_outcome(product.look(ITEM), Outcome.PASSED, "v1.5.0", "no new migrations")


def test_without_a_release_before_there_is_no_way_back(tmp_path: Path) -> None:
    result = Product.make(tmp_path / "first").released("v1.0.0").look(ITEM)

    assert_outcome(result, Outcome.FAILED, "there is no release to fall back to", "first release")
    assert result.severity == "P1"


def test_the_remote_has_to_hold_the_same_release(product: Product) -> None:
    release(product)
    git(product.origin, "tag", "--force", "v1.4.2", "main")
    assert_outcome(product.look(ITEM), Outcome.FAILED, "which one would be deployed is not known")

    git(product.origin, "tag", "--delete", "v1.4.2")
    assert_outcome(
        product.look(ITEM), Outcome.FAILED, "origin does not hold v1.4.2", "git push origin"
    )


def test_a_version_that_is_not_known_leaves_it_open(product: Product) -> None:
    product.tree.commit({"code.ts": "untagged"})

    assert_outcome(product.look(ITEM), Outcome.UNVERIFIED, "see version.tag")


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("ALTER TABLE o DROP COLUMN x", "drops a column"),
        ("DROP TABLE o", "drops a table"),
        ("ALTER TABLE o RENAME COLUMN a TO b", "renames a column"),
        ("ALTER TABLE o RENAME TO p", "renames a table"),
        ("ALTER TABLE o ALTER COLUMN a TYPE int", "changes a column's type"),
        ("ALTER TABLE o ADD COLUMN r text NOT NULL", "adds a column that must be given"),
        ("ALTER TABLE o ALTER COLUMN a SET NOT NULL", "demands a value for a column"),
        ("DROP TYPE t", "drops a type"),
    ],
)
def test_each_way_to_break_older_code_is_named(statement: str, what: str) -> None:
    script = f"-- héllo; a comment\nCREATE TABLE n (a int);\n{statement};\n"

    found = breaking_changes({"m": script.encode()})

    assert [(each.line, each.what) for each in found] == [(3, what)]


def test_what_the_migrations_create_themselves_is_new_to_older_code() -> None:
    scripts = {
        "a": b'CREATE TABLE "public"."n" (a int);',
        "b": b'ALTER TABLE "n" DROP COLUMN a;\nDROP TABLE IF EXISTS n;\nDROP TABLE other;',
    }

    assert [(c.migration, c.line) for c in breaking_changes(scripts)] == [("b", 3)]
