"""Faults of what an incident needs."""

from __future__ import annotations

from pytest_chefrelease.rehearsal.faults.effects import configuring
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action
from pytest_chefrelease.runbook.verdict import Decision

FAULTS = (
    Fault(
        "emergency-switch-unknown",
        "An emergency switch of the runbook is called otherwise in production",
        Stage.POSTRELEASE,
        configuring('[incident]\nflags = ["DOCS_ENABLED", "PAYROLL_ENABLED"]'),
        warned=("incident.flags",),
        verdict=Decision.GO,
        action=Action.PROCEED,
    ),
)
