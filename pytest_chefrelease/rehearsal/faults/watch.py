"""Faults of the watch itself."""

from __future__ import annotations

from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action

FAULTS = (
    Fault(
        "watch-asleep",
        "The machine that watches sleeps for four seconds of the watch",
        Stage.MONITORING,
        lambda stack: stack.gate.sleep(after_s=4.0, for_s=4.0),
        red=("watch.complete",),
        action=Action.HOLD,
    ),
)
