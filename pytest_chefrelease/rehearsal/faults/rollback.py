"""Faults of the way back."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.faults.release_again import release_again
from pytest_chefrelease.rehearsal.repository import MIGRATIONS, PREVIOUS
from pytest_chefrelease.runbook.item import Stage

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


FAULTS = (
    Fault(
        "previous-release-gone",
        "The origin does not hold the tag of the release to fall back to",
        Stage.PRERELEASE,
        _previous_not_at_origin,
        red=_ITEM,
    ),
    Fault(
        "point-of-no-return",
        "The release's migration drops a column that the running code reads",
        Stage.PRERELEASE,
        release_again(_drop_a_column),
        red=_ITEM,
        warned=("version.bump",),
    ),
)
