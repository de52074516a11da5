"""Faults of what ChefCloud depends on."""

from __future__ import annotations

from pytest_chefrelease.rehearsal.faults.effects import changing
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action
from pytest_chefrelease.runbook.verdict import Decision

FAULTS = (
    Fault(
        "vendor-incident",
        "The provider's status page reports an outage",
        Stage.PRERELEASE,
        changing("status", indicator="major", description="Partial System Outage"),
        warned=("world.status",),
        verdict=Decision.GO,
        action=Action.PROCEED,
    ),
)
