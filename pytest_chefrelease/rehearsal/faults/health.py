"""Faults of the health endpoint and of what it speaks for."""

from __future__ import annotations

from pytest_chefrelease.rehearsal.faults.effects import Effect, changing, intercepting, refusing
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.faults.parameters import (
    BROWSER_PROTECTED,
    LATENCY,
    LOGS,
    NO_5XX,
    PREFLIGHT,
    SECRETS_OF_API,
    SLOWER,
    SMOKE,
    WATCH_ENDED,
)
from pytest_chefrelease.rehearsal.intercept import Intercept
from pytest_chefrelease.rehearsal.repository import PREVIOUS
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action

_API = "production-api"
_ITEM = ("health.endpoint",)
_READINESS = "health.readiness"
_SMOKE = SMOKE["GET /health"]
_UNTOLD = ("deploy.executed[api]", NO_5XX)
"""Without a health answer the API does not say which release runs, nor since when."""


def _health(status: int, body: str, content_type: str = "application/json") -> Effect:
    return intercepting(
        Intercept(_API, path="/health", status=status, body=body, content_type=content_type)
    )


def _fault(
    name: str,
    title: str,
    apply: Effect,
    *also: str,
    action: Action = Action.ROLL_BACK,
    stage: Stage = Stage.POSTRELEASE,
    unverified: tuple[str, ...] = (),
) -> Fault:
    red = (*_ITEM, *also)
    return Fault(name, title, stage, apply, red=red, unverified=unverified, action=action)


_DOWN = _health(503, '{"status": "error"}')

FAULTS = (
    _fault(
        "health-down",
        "The health endpoint answers 503",
        _DOWN,
        *(_SMOKE, LATENCY["/health"]),
        unverified=(*_UNTOLD, SLOWER["/health"]),
    ),
    _fault(
        "health-degraded",
        "The application says of itself that it is degraded",
        changing(_API, health_status="degraded"),
        action=Action.ROLL_BACK_OR_HOTFIX,
    ),
    _fault(
        "health-wrong-version",
        "The previous version still answers after the deploy",
        changing(_API, version=PREVIOUS),
        unverified=("version.coherence", "deploy.executed[api]"),
    ),
    _fault(
        "health-stale-timestamp",
        "The health answer is five minutes old: something caches it",
        changing(_API, timestamp_offset_s=-300.0),
    ),
    _fault(
        "health-html",
        "A proxy's page answers instead of the health endpoint",
        _health(200, "<html><body>Welcome to nginx!</body></html>", "text/html"),
        _SMOKE,
        unverified=_UNTOLD,
    ),
    _fault(
        "health-empty",
        "The health endpoint answers 200 with nothing",
        _health(200, ""),
        unverified=_UNTOLD,
    ),
    _fault(
        "health-service-down",
        "The application cannot reach its database",
        changing(_API, services={"database": "down"}),
        *(_READINESS, NO_5XX),  # readiness says 503
    ),
    Fault(
        "not-ready",
        "The API says of itself that its queue is not there yet; health is fine",
        Stage.POSTRELEASE,
        intercepting(
            Intercept(
                _API,
                path="/readiness",
                status=200,
                body='{"database": true, "queue": false}',
                content_type="application/json",
            )
        ),
        red=(_READINESS,),
        action=Action.ROLL_BACK,
    ),
    Fault(
        "api-down",
        "The API's port refuses connections",
        Stage.POSTRELEASE,
        refusing(_API),
        red=(
            *(*_ITEM, _READINESS, *SMOKE.values(), *PREFLIGHT.values()),
            *(*BROWSER_PROTECTED, "routes.login"),
        ),
        # Without any answer nothing can be said of its speed, of what it serves, nor of the
        # tokens that it accepts, nor whether it is closed.
        unverified=(
            *LATENCY.values(),
            *SLOWER.values(),
            *SECRETS_OF_API,
            *_UNTOLD,
            "deploy.maintenance-off",
        ),
        action=Action.ROLL_BACK,
    ),
    _fault(
        "health-down-in-watch",
        "The health endpoint begins to answer 503 while the release is watched",
        _DOWN,
        *(LATENCY["/health"], WATCH_ENDED),
        stage=Stage.MONITORING,
        unverified=(
            *LOGS[Stage.MONITORING],
            *(LATENCY["/inventory/items"], *SLOWER.values()),
        ),
    ),
)
