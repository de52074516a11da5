"""Faults that Prometheus counts, and one of its own."""

from __future__ import annotations

from pytest_chefrelease.rehearsal.faults.effects import changing
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action
from pytest_chefrelease.runbook.verdict import Decision

_SIGNALS = ("error-rate", "instances", "restarts", "pool")


def _red(
    name: str,
    title: str,
    signal: str,
    action: Action = Action.ROLL_BACK_OR_HOTFIX,
    **state: Json,
) -> Fault:
    return Fault(
        name,
        title,
        Stage.POSTRELEASE,
        changing("prometheus", **state),
        red=(f"metrics.signal[{signal}]",),
        action=action,
    )


FAULTS = (
    _red(
        "metrics-error-rate",
        "By Prometheus' count one request in ten ends in a 5xx",
        "error-rate",
        Action.ROLL_BACK,
        errors=420,
    ),
    _red(
        "metrics-instance-down",
        "Prometheus cannot scrape one of the two instances",
        "instances",
        instances={"10.0.0.7:3001": True, "10.0.0.8:3001": False},
    ),
    _red("metrics-restarting", "The processes start again and again", "restarts", starts=4),
    _red("metrics-pool-waits", "Queries wait for a connection all the time", "pool", waiting=6),
    Fault(
        "prometheus-empty",
        "Prometheus has no sample of the API: nothing scrapes it",
        Stage.POSTRELEASE,
        changing("prometheus", instances={}),
        unverified=tuple(f"metrics.signal[{signal}]" for signal in _SIGNALS),
        verdict=Decision.HOLD,
    ),
)
