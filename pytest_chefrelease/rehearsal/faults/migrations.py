"""Faults of the database's migrations."""

from __future__ import annotations

import hashlib
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

_ITEM = ("migrations.status",)
_ON_STAGING = ("migrations.tested-on-staging",)
_SAFE = ("migrations.safe",)
_APPLIED = "20260420120000_payroll_and_journal"
_PENDING = "20261116090000_order_channels"
_FOREIGN = "20261101100000_hotfix_tips"
_INDEX = 'CREATE INDEX "orders_by_channel" ON "orders" ("channel_code");\n'

_ROLL_BACK = (
    'UPDATE "_prisma_migrations" SET rolled_back_at = now(), finished_at = NULL'
    " WHERE migration_name = %s"
)
_EDIT = 'UPDATE "_prisma_migrations" SET checksum = %s WHERE migration_name = %s'
_RECORD = (
    'INSERT INTO "_prisma_migrations" (id, checksum, migration_name, started_at, finished_at,'
    " logs, applied_steps_count) VALUES (gen_random_uuid()::text, %s, %s,"
    " now() - interval '2 days', CASE WHEN %s THEN now() - interval '2 days' END, %s, %s)"
)


def _mark_rolled_back(stack: Stack) -> None:
    stack.production.execute(_ROLL_BACK, (_PENDING,))


def _edit_applied(stack: Stack) -> None:
    stack.production.execute(_EDIT, (_checksum("as it was"), _APPLIED))


def _apply_foreign(stack: Stack) -> None:
    stack.production.execute(_RECORD, (_checksum(_FOREIGN), _FOREIGN, True, None, 1))


def _leave_failed(stack: Stack) -> None:
    log = "Database error code: 42P01\n\nDatabase error:\nERROR: relation does not exist\n"
    stack.production.execute(_RECORD, (_checksum(_FOREIGN), _FOREIGN, False, log, 0))


def _forget_migrating(stack: Stack) -> None:
    stack.production.reset()


def _forget_on_staging(stack: Stack) -> None:
    stack.staging.execute('DELETE FROM "_prisma_migrations" WHERE migration_name = %s', (_PENDING,))


def _edit_tried(stack: Stack) -> None:
    stack.staging.execute(_EDIT, (_checksum("as it was tried"), _PENDING))


def _build_index(stack: Stack, tree: Path) -> None:
    """The pending migration builds an index on a table in use; staging has tried it so."""
    script = tree / MIGRATIONS / _PENDING / "migration.sql"
    text = script.read_text(encoding="utf-8") + _INDEX
    script.write_text(text, encoding="utf-8")
    stack.staging.execute(_EDIT, (_checksum(text), _PENDING))


def _mistake_password(stack: Stack) -> None:
    url = stack.environment["DATABASE_URL"]
    right = url.partition("://")[2].partition("@")[0].partition(":")[2]
    stack.environment["DATABASE_URL"] = url.replace(right, right[::-1])


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _before(name: str, title: str, apply: Effect, red: tuple[str, ...] = _ITEM) -> Fault:
    return Fault(name, title, Stage.PRERELEASE, apply, red=red)


def _after(name: str, title: str, apply: Effect, *, strikes_deploy: bool = False) -> Fault:
    return Fault(
        name,
        title,
        Stage.POSTRELEASE,
        apply,
        red=_ITEM,
        # The migrations that production has are not the release's: one witness differs.
        unverified=("version.coherence",),
        action=Action.STOP_AND_ASSESS,
        strikes_deploy=strikes_deploy,
    )


FAULTS = (
    _after(
        "failed-migration",
        "The release's migration fails: somebody had made its table by hand",
        executing("CREATE TABLE order_channels (code text)"),
        strikes_deploy=True,
    ),
    _after(
        "migration-forgotten",
        "The code is deployed, its migration was never run",
        _forget_migrating,
    ),
    _after(
        "migration-rolled-back",
        "The release's migration was marked as rolled back and not applied again",
        _mark_rolled_back,
    ),
    _before(
        "migration-edited",
        "A migration was edited after production had applied it",
        _edit_applied,
    ),
    _before(
        "migration-not-in-release",
        "Production has applied a migration that the release does not have",
        _apply_foreign,
    ),
    _before(
        "migration-failed-earlier",
        "A migration that failed two days ago still stands in production's history",
        _leave_failed,
    ),
    Fault(
        "database-password-wrong",
        "Production's database refuses the password",
        Stage.PRERELEASE,
        _mistake_password,
        unverified=(
            *(*_ITEM, *_ON_STAGING, *_SAFE),
            *("backup.complete", "migrations.from-scratch"),
        ),
        verdict=Decision.HOLD,
    ),
    _before(
        "untested-on-staging",
        "Staging runs the release's code, its migration was never run there",
        _forget_on_staging,
        _ON_STAGING,
    ),
    _before(
        "staging-checksum-differs",
        "The pending migration was edited after staging had tried it",
        _edit_tried,
        _ON_STAGING,
    ),
    _before(
        "unsafe-migration",
        "The release's migration builds an index and locks its table meanwhile",
        release_again(_build_index),
        _SAFE,
    ),
)
