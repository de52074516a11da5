"""Faults of the way back."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal.doubles import fly
from pytest_chefrelease.rehearsal.faults.effects import changing
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.faults.release_again import release_again
from pytest_chefrelease.rehearsal.repository import MIGRATIONS, PREVIOUS
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.verdict import Decision

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.stack import Stack

_ITEM = ("rollback.previous-release",)
_PENDING = "20261116090000_order_channels"


def _previous_not_at_origin(stack: Stack) -> None:
    stack.touch_repository().git("push", "--quiet", "origin", f":refs/tags/{PREVIOUS}")


def _drop_a_column(stack: Stack, tree: Path) -> None:
    """The pending migration takes a column away; staging has applied it as it is now."""
    script = tree / MIGRATIONS / _PENDING / "migration.sql"
    text = script.read_text(encoding="utf-8") + 'ALTER TABLE "orders" DROP COLUMN "opened_at";\n'
    script.write_text(text, encoding="utf-8")
    checksum = hashlib.sha256(text.encode()).hexdigest()
    edit = 'UPDATE "_prisma_migrations" SET checksum = %s WHERE migration_name = %s'
    stack.staging.execute(edit, (checksum, _PENDING))


def _run_another_commit(stack: Stack) -> None:
    other = replace(stack.previous_build, commit=stack.repository.commit_of("v1.4.0"))
    stack.change("fly", **fly.deployed(other))


FAULTS = (
    Fault(
        "previous-release-gone",
        "The origin does not hold the tag of the release to fall back to",
        Stage.PRERELEASE,
        _previous_not_at_origin,
        red=_ITEM,
    ),
    Fault(
        "nothing-to-fall-back-to",
        "At the provider production's apps have no machine: nothing that could run again",
        Stage.PRERELEASE,
        changing("fly", machines=[]),
        red=_ITEM,
    ),
    Fault(
        "production-is-another-release",
        "At the provider production runs another commit than the release before this one",
        Stage.PRERELEASE,
        _run_another_commit,
        unverified=_ITEM,
        verdict=Decision.HOLD,
    ),
    Fault(
        "point-of-no-return",
        "The release's migration drops a column that the running code reads",
        Stage.PRERELEASE,
        release_again(_drop_a_column),
        red=(*_ITEM, "migrations.safe"),
        warned=("version.bump", "migrations.rehearsed"),
    ),
)
