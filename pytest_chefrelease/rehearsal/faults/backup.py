"""Faults of production's backups."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from pytest_chefrelease.rehearsal.faults.effects import Effect, changing
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action
from pytest_chefrelease.runbook.verdict import Decision

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.stack import Stack

_FRESH, _COMPLETE, _RESTORES = "backup.fresh", "backup.complete", "backup.restores"
_READING = (_COMPLETE, _RESTORES)
_DRILL = ("migrations.rehearsed", "migrations.idempotent")
"""What needs a restored backup stays open without one."""


def _only(stack: Stack) -> Path:
    (path,) = stack.backups.iterdir()
    return path


def _forget(stack: Stack) -> None:
    """Nobody has taken a backup for three days."""
    _only(stack).unlink()
    stack.nightly_backup(timedelta(days=3))


def _remove(stack: Stack) -> None:
    _only(stack).unlink()


def _too_late(stack: Stack) -> None:
    """The nightly backup failed, and the next was taken when the release was out."""
    _only(stack).unlink()
    # Its stamp is of whole seconds: a little later is surely later.
    stack.nightly_backup(-timedelta(seconds=2))


def _without_a_table(stack: Stack) -> None:
    _only(stack).unlink()
    stack.nightly_backup(options=("--exclude-table=payroll_runs",))


def _of_staging(stack: Stack) -> None:
    _only(stack).unlink()
    stack.nightly_backup(of=stack.staging)


def _damage(stack: Stack) -> None:
    """A value that its column does not take: the archive is whole all the same."""
    _only(stack).unlink()
    stack.nightly_backup(options=("--compress=0",))
    _Written(lambda data: data.replace(b"\tpaid\t", b"\tpald\t", 1))(stack)


class _Written(Struct, frozen=True):
    """The nightly backup's bytes are others; its time stays."""

    change: Callable[[bytes], bytes]

    def __call__(self, stack: Stack) -> None:
        path = _only(stack)
        before = path.stat()
        path.write_bytes(self.change(path.read_bytes()))
        os.utime(path, (before.st_atime, before.st_mtime))


def _before(
    name: str,
    title: str,
    apply: Effect,
    *red: str,
    unverified: tuple[str, ...] = _DRILL,
) -> Fault:
    verdict = Decision.NO_GO if red else Decision.HOLD
    return Fault(
        name, title, Stage.PRERELEASE, apply, red=red, unverified=unverified, verdict=verdict
    )


FAULTS = (
    _before(
        "backup-stale",
        "The newest backup of production is three days old",
        _forget,
        _FRESH,
        unverified=(),
    ),
    _before(
        "backup-missing",
        "There is no backup of production",
        _remove,
        _FRESH,
        unverified=(*_READING, *_DRILL),
    ),
    _before(
        "backup-truncated",
        "The disk was full: the last tenth of the newest backup is missing",
        _Written(lambda data: data[: len(data) * 9 // 10]),
        *_READING,
    ),
    _before(
        "backup-empty",
        "The newest backup is an empty file",
        _Written(lambda _data: b""),
        _FRESH,
        *_READING,
    ),
    _before(
        "backup-lacks-table",
        "The newest backup was taken without one of production's tables",
        _without_a_table,
        _COMPLETE,
        unverified=(),
    ),
    _before(
        "backup-wrong-database",
        "The newest backup is one of staging's database",
        _of_staging,
        _FRESH,
        *_READING,
    ),
    _before(
        "backup-encrypted",
        "The newest backup is encrypted, and nobody here can read it",
        _Written(lambda data: b"age-encryption.org/v1\n-> X25519 " + data[::-1]),
        unverified=(*_READING, *_DRILL),
    ),
    _before(
        "backup-does-not-restore",
        "The newest backup can be read, but a value in it fits its column no more",
        _damage,
        _RESTORES,
    ),
    Fault(
        "automatic-backups-off",
        "At the provider the automatic backups of production's database are off",
        Stage.PRERELEASE,
        changing("fly", auto_backup=False),
        warned=("backup.automatic",),
        verdict=Decision.GO,
        action=Action.PROCEED,
    ),
    Fault(
        "automatic-backups-stuck",
        "Automatic backups are on, and the last one was taken three days ago",
        Stage.PRERELEASE,
        changing("fly", snapshots_ago_h=[96, 72]),
        warned=("backup.automatic",),
        verdict=Decision.GO,
        action=Action.PROCEED,
    ),
    Fault(
        "backup-after-deploy",
        "The only backup was taken when the release was out",
        Stage.POSTRELEASE,
        _too_late,
        red=(_FRESH,),
        action=Action.FIX_FORWARD,
    ),
)
