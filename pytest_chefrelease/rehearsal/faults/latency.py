"""Faults of the time that answers take."""

from __future__ import annotations

from datetime import timedelta

from pytest_chefrelease.rehearsal.doubles.locust import Load
from pytest_chefrelease.rehearsal.faults.effects import Effect, changing, intercepting, loading
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.faults.parameters import LATENCY, SLOWER
from pytest_chefrelease.rehearsal.intercept import Intercept
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action
from pytest_chefrelease.runbook.verdict import Decision

_API = "production-api"
_PATH = "/inventory/items"


def _fault(name: str, title: str, apply: Effect) -> Fault:
    return Fault(
        name,
        title,
        Stage.POSTRELEASE,
        apply,
        red=(LATENCY[_PATH],),
        warned=(SLOWER[_PATH],),
        action=Action.FIX_FORWARD,
    )


FAULTS = (
    _fault(
        "latency-slow",
        "Every answer of the inventory takes 700 ms",
        intercepting(Intercept(_API, _PATH, delay_s=0.7)),
    ),
    _fault(
        "latency-tail",
        "Every tenth answer of the inventory takes 700 ms: the mean looks fine",
        intercepting(Intercept(_API, _PATH, delay_s=0.7, every=10)),
    ),
    _fault(
        "latency-stall",
        "The inventory stalls for 0.8 s in every 1.5 s, and is quick between",
        intercepting(Intercept(_API, _PATH, stall=(1.5, 0.8))),
    ),
    Fault(
        "latency-regression",
        "Every answer of the inventory takes 300 ms more: within the limit, and slower than before",
        Stage.POSTRELEASE,
        intercepting(Intercept(_API, _PATH, delay_s=0.3)),
        warned=(SLOWER[_PATH],),
        verdict=Decision.GO,
        action=Action.PROCEED,
    ),
    Fault(
        "prometheus-disagrees",
        "The prober finds all quick; Prometheus counts that visitors wait for a second",
        Stage.POSTRELEASE,
        changing("prometheus", latency_s=0.8),
        unverified=tuple(LATENCY.values()),
        verdict=Decision.HOLD,
    ),
    Fault(
        "locust-disagrees",
        "The prober finds all quick; under Locust's load the inventory takes 900 ms",
        Stage.POSTRELEASE,
        loading(Load(took_ms={"/health": 20, _PATH: 900})),
        unverified=(LATENCY[_PATH],),
        verdict=Decision.HOLD,
    ),
    Fault(
        "locust-stale",
        "P95 is to be read from Locust, whose statistics are of yesterday",
        Stage.POSTRELEASE,
        loading(Load(source="locust", age=timedelta(days=1))),
        unverified=(*LATENCY.values(), *SLOWER.values()),
        verdict=Decision.HOLD,
    ),
    Fault(
        "latency-unsteady",
        "Before the deploy, the inventory answers 400 ms later for a while, then quickly",
        Stage.PRERELEASE,
        intercepting(Intercept(_API, _PATH, delay_s=0.4, times=60)),
        warned=("latency.calibration",),
        verdict=Decision.GO,
        action=Action.PROCEED,
    ),
)
