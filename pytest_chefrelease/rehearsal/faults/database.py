"""Faults of the database under load: who holds it up, fills it, or leaks its connections."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal.faults.effects import Effect
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.stack import Stack

_ITEM = ("database.connections",)
_WORKER = "payroll-worker"
_TAKE_ROW = "UPDATE orders SET opened_at = opened_at WHERE id = 1"
_LEAKED = 30
_LEAK_EVERY_S = 0.25


def _leave_open(stack: Stack) -> None:
    """A worker waits for something in the middle of a transaction."""
    stack.configure('[database]\nidle_in_transaction = "200ms"')
    stack.production.hold(_WORKER, "BEGIN", "SELECT count(*) FROM orders")
    time.sleep(0.3)


def _block(stack: Stack) -> None:
    """A worker holds a row that the application wants too."""
    stack.configure('[database]\nblocked = "200ms"')
    stack.production.hold(_WORKER, "BEGIN", _TAKE_ROW)
    stack.production.wait_in_line("chefcloud-api", _TAKE_ROW)
    time.sleep(0.3)


def _fill(stack: Stack) -> None:
    """A worker's pool takes half of what the server has; to the rest the sites have to come."""
    stack.configure("[database]\nmax_used = 0.5")
    for _ in range(32):
        stack.production.hold(_WORKER)


def _leak(stack: Stack) -> None:
    """A worker opens one connection after the other and gives none back."""
    for _ in range(_LEAKED):
        stack.production.hold(_WORKER)
        time.sleep(_LEAK_EVERY_S)


def _fault(name: str, title: str, apply: Effect, stage: Stage = Stage.POSTRELEASE) -> Fault:
    return Fault(name, title, stage, apply, red=_ITEM, action=Action.ROLL_BACK_OR_HOTFIX)


FAULTS = (
    _fault(
        "idle-in-transaction",
        "A worker leaves a transaction open and does nothing in it",
        _leave_open,
    ),
    _fault(
        "blocked-session",
        "The application waits for a row that a worker holds",
        _block,
    ),
    _fault(
        "connections-near-limit",
        "A worker's pool holds more of the database's connections than settings allow",
        _fill,
    ),
    _fault(
        "connections-leak",
        "A worker opens connections and never closes them, while the release is watched",
        _leak,
        Stage.MONITORING,
    ),
)
