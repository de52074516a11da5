"""Faults that Alertmanager tells, and one that keeps it from telling."""

from __future__ import annotations

from pytest_chefrelease.rehearsal.doubles.alertmanager import WATCHDOG, Entry, alert
from pytest_chefrelease.rehearsal.faults.effects import Effect, changing, refusing
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action
from pytest_chefrelease.runbook.verdict import Decision

_ITEM = ("alerts.none-firing",)


def _alerts(*alerts: Entry) -> Effect:
    return changing("alertmanager", alerts=[WATCHDOG, *alerts])


FAULTS = (
    Fault(
        "alert-firing",
        "An alert fires for the API after the deploy",
        Stage.POSTRELEASE,
        _alerts(alert("ApiErrorBudgetBurn", summary="5xx burn the error budget")),
        red=_ITEM,
        action=Action.ROLL_BACK_OR_HOTFIX,
    ),
    Fault(
        "alert-firing-in-watch",
        "An alert begins to fire for the API while the release is watched",
        Stage.MONITORING,
        _alerts(alert("ApiPodsRestarting")),
        red=_ITEM,
        action=Action.ROLL_BACK_OR_HOTFIX,
    ),
    Fault(
        "alerts-do-not-arrive",
        "The watchdog that always fires does not: Prometheus reaches no Alertmanager",
        Stage.POSTRELEASE,
        changing("alertmanager", alerts=[]),
        unverified=_ITEM,
        verdict=Decision.HOLD,
    ),
    Fault(
        "alertmanager-down",
        "Alertmanager's port refuses connections",
        Stage.POSTRELEASE,
        refusing("alertmanager"),
        unverified=_ITEM,
        verdict=Decision.HOLD,
    ),
)
