"""version.bump, version.release-notes and version.cadence on real histories."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pytest_chefrelease.rehearsal.repository import git
from pytest_chefrelease.runbook.outcome import Outcome
from tests.version.product import MIGRATIONS, Product, assert_outcome

BUMP, NOTES, CADENCE = "version.bump", "version.release-notes", "version.cadence"
SCRIPT = f"{MIGRATIONS}/20261116_channels/migration.sql"


@pytest.fixture
def product(tmp_path: Path) -> Product:
    return Product.make(tmp_path).released("v1.4.2")


def release(product: Product, version: str, *messages: str, **files: str) -> None:
    for message in messages:
        product.tree.commit({"code.ts": f"{message} {version}"} | files, message)
    product.tag(version)
    product.push()


# --- bump


@pytest.mark.parametrize(
    ("version", "messages", "needed"),
    [
        ("v1.4.3", ["fix: a sum", "chore: tidy"], "patch"),
        ("v1.5.0", ["fix: a sum", "feat(orders): channels"], "minor"),
        ("v2.0.0", ["feat!: another login"], "major"),
        ("v2.0.0", ["fix: a sum"], "patch"),
        ("v1.5.0-rc.1", ["feat: channels"], "minor"),
    ],
)
def test_a_step_large_enough_passes(
    product: Product, version: str, messages: list[str], needed: str
) -> None:
    release(product, version, *messages)

    assert_outcome(product.look(BUMP), Outcome.PASSED, f"needed is {needed}")


@pytest.mark.parametrize(
    ("version", "message", "asked"),
    [
        ("v1.4.3", "feat: channels", 'says "feat: channels"'),
        ("v1.5.0", "refactor!: drop the old login", 'says "refactor!: drop the old login"'),
        ("v1.5.0", "feat: login\n\nBREAKING CHANGE: tokens end", 'says "feat: login"'),
    ],
)
def test_a_step_too_small_warns_with_the_commit_that_asks_for_more(
    product: Product, version: str, message: str, asked: str
) -> None:
    release(product, version, message)

    assert_outcome(product.look(BUMP), Outcome.FAILED, asked)


def test_a_dropped_column_is_a_breaking_change(product: Product) -> None:
    release(product, "v1.5.0", "feat: x", **{SCRIPT: 'ALTER TABLE "o" DROP COLUMN "x";'})

    assert_outcome(
        product.look(BUMP), Outcome.FAILED, "20261116_channels drops a column, line 1", "major step"
    )


@pytest.mark.parametrize(
    ("said", "outcome"), [("The API's v1 is gone.", Outcome.FAILED), ("None.", Outcome.PASSED)]
)
def test_announced_breaking_changes_ask_for_a_major_step(
    product: Product, said: str, outcome: Outcome
) -> None:
    text = f"## 1.5.0\n### Breaking changes\n- {said}\n"
    release(product, "v1.5.0", "feat: x", **{"CHANGELOG.md": text})

    assert_outcome(product.look(BUMP), outcome, "v1.4.2 to v1.5.0 is a minor step")


def test_before_1_0_a_minor_step_does_for_what_breaks(tmp_path: Path) -> None:
    product = Product.make(tmp_path / "young").released("v0.4.0")
    release(product, "v0.5.0", "feat!: everything")

    assert_outcome(product.look(BUMP), Outcome.PASSED)


def test_commits_that_say_nothing_leave_it_open(product: Product) -> None:
    release(product, "v1.5.0", "Update stuff", "WIP")

    assert_outcome(product.look(BUMP), Outcome.UNVERIFIED, "none of the 2 commits")


def test_a_shallow_clone_is_told_to_fetch_history(product: Product, tmp_path: Path) -> None:
    release(product, "v1.5.0", "feat: x")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{product.origin}", "shallow")

    result = product.look(BUMP, path=tmp_path / "shallow", version="v1.5.0")

    assert_outcome(result, Outcome.UNVERIFIED, "git fetch --unshallow --tags")


# --- notes

FULL = """# Changelog

## [1.5.0] - 2026-11-24
### Added
- Channels.
### Fixed
- A sum.
### Migration requirements
- One table.

## [1.4.2]
- older
"""


def test_a_full_section_passes(product: Product) -> None:
    files = {"CHANGELOG.md": FULL, SCRIPT: "CREATE TABLE c (a int);"}
    release(product, "v1.5.0", "feat: channels", "fix: a sum", **files)

    assert_outcome(product.look(NOTES), Outcome.PASSED, "CHANGELOG.md names features, fixes")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("## 1.4.2\n- older\n", "nothing is written of v1.5.0"),
        ("## 1.5.0\n\n## 1.4.2\n- older\n", "the section of 1.5.0 is empty"),
        ("## 1.5.0\nNone.\n", "the section of 1.5.0 is empty"),
        ("## 1.5.0\n### Added\n- Channels.\n", "do not name fixes, migration requirements"),
        ("## 1.5.0-rc.1\n### Added\n- Channels.\n", "nothing is written of v1.5.0"),
        ("1.5.0\n-----\nAll kinds of things.\n", "do not name features, fixes"),
    ],
)
def test_what_is_missing_in_the_notes_is_named(product: Product, text: str, seen: str) -> None:
    files = {"CHANGELOG.md": text, SCRIPT: "CREATE TABLE c (a int);"}
    release(product, "v1.5.0", "feat: channels", "fix: a sum", **files)

    assert_outcome(product.look(NOTES), Outcome.FAILED, seen)


def test_notes_on_the_work_tree_only_are_not_the_releases(product: Product) -> None:
    release(product, "v1.5.0", "feat: channels")
    (product.tree.path / "CHANGELOG.md").write_text(FULL)

    assert_outcome(product.look(NOTES), Outcome.FAILED, "no CHANGELOG.md")


def test_the_changelogs_place_can_be_set(product: Product) -> None:
    release(product, "v1.5.0", "feat: channels", **{"api/NEWS": FULL})

    assert_outcome(product.look(NOTES, notes="api/NEWS"), Outcome.PASSED, "api/NEWS names")


# --- cadence


@pytest.mark.parametrize(
    ("last", "version", "age", "outcome"),
    [
        ("v1.4.0", "v1.5.0", timedelta(days=6), Outcome.PASSED),
        ("v1.4.0", "v1.5.0", timedelta(days=9), Outcome.FAILED),
        ("v1.0.0", "v2.0.0", timedelta(days=30), Outcome.PASSED),
        ("v1.0.0", "v2.0.0", timedelta(days=60), Outcome.FAILED),
        ("v1.4.1", "v1.4.2", timedelta(days=200), Outcome.PASSED),
    ],
)
def test_a_release_keeps_the_cadence_of_its_type(
    tmp_path: Path, last: str, version: str, age: timedelta, outcome: Outcome
) -> None:
    product = Product.make(tmp_path / "paced")
    product.tree.commit({"a": "1"})
    product.tag(last, age=age)
    product.tag("v0.1.0-rc.1")
    release(product, version, "feat: x")

    assert_outcome(product.look(CADENCE), outcome, last)


def test_the_first_release_of_a_type_has_no_cadence(product: Product) -> None:
    release(product, "v2.0.0", "feat!: x")

    assert_outcome(product.look(CADENCE), Outcome.NOT_APPLICABLE, "the first major release")
