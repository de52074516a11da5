"""Faults that only the drill sees: what migrations do to data, to nothing, and twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal.faults.effects import Effect, executing
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.faults.release_again import release_again
from pytest_chefrelease.rehearsal.repository import MIGRATIONS
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action
from pytest_chefrelease.runbook.verdict import Decision

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.stack import Stack

_REHEARSED, _FROM_SCRATCH = "migrations.rehearsed", "migrations.from-scratch"
_IDEMPOTENT = "migrations.idempotent"
_PENDING = "20261116090000_order_channels"
_EDIT = 'UPDATE "_prisma_migrations" SET checksum = %s WHERE migration_name = %s'


def _adding(sql: str) -> Callable[[Stack, Path], None]:
    """The pending migration does something more; staging has applied it as it is now."""

    def change(stack: Stack, tree: Path) -> None:
        script = tree / MIGRATIONS / _PENDING / "migration.sql"
        text = script.read_text(encoding="utf-8") + f"\n{sql}\n"
        script.write_text(text, encoding="utf-8")
        checksum = hashlib.sha256(text.encode()).hexdigest()
        stack.staging.execute(_EDIT, (checksum, _PENDING))

    return change


def _warning(
    name: str, title: str, apply: Effect, *warned: str, unverified: tuple[str, ...] = ()
) -> Fault:
    """Advisory: the gate warns, and an advisory item that stays open holds nothing."""
    return Fault(
        name,
        title,
        Stage.PRERELEASE,
        apply,
        warned=warned,
        unverified=unverified,
        verdict=Decision.GO,
        action=Action.PROCEED,
    )


FAULTS = (
    _warning(
        "migration-fails-on-data",
        "The release's migration works on an empty database, and fails on production's rows",
        release_again(
            _adding('INSERT INTO "order_channels" SELECT "status"::text, \'?\' FROM "orders";')
        ),
        _REHEARSED,
        unverified=(_IDEMPOTENT,),
    ),
    _warning(
        "migration-over-budget",
        "The release's migration needs a tenth of a second for each of production's orders",
        release_again(
            _adding('UPDATE "orders" SET "channel_code" = \'bar\' WHERE pg_sleep(0.1) IS NOT NULL;')
        ),
        _REHEARSED,
        unverified=(_IDEMPOTENT,),
    ),
    _warning(
        "from-scratch-breaks",
        "The release's migration counts on rows that somebody once put in by hand",
        release_again(
            _adding(
                "DO $$ BEGIN IF NOT EXISTS (SELECT FROM organisations) THEN"
                " RAISE EXCEPTION 'there is no organisation'; END IF; END $$;"
            )
        ),
        _FROM_SCRATCH,
    ),
    _warning(
        "schema-changed-by-hand",
        "Somebody gave production a column that no migration knows of",
        executing('ALTER TABLE "orders" ADD COLUMN "note" TEXT'),
        _FROM_SCRATCH,
    ),
    _warning(
        "migration-touches-history",
        "The release's migration tidies the history: the next deployment applies an old one again",
        release_again(
            _adding(
                'UPDATE "_prisma_migrations" SET "rolled_back_at" = now()'
                " WHERE \"migration_name\" LIKE '20250519083000%';"
            )
        ),
        _IDEMPOTENT,
    ),
)
