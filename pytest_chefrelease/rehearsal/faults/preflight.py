"""Faults of what must be closed or hidden, one for each preflight rule."""

from __future__ import annotations

from pytest_chefrelease.rehearsal.faults.effects import intercepting
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.faults.parameters import PREFLIGHT
from pytest_chefrelease.rehearsal.intercept import Intercept
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action

_API = "production-api"
_GUARDED = "/inventory/items"
_TRACE = "Error: no token\n    at AuthGuard.canActivate (/app/dist/auth/guard.js:21:13)"
_METRICS = "# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n"


def _fault(name: str, title: str, rule: str, change: Intercept) -> Fault:
    return Fault(
        name,
        title,
        Stage.POSTRELEASE,
        intercepting(change),
        red=(PREFLIGHT[rule],),
        action=Action.ROLL_BACK_OR_HOTFIX,
    )


FAULTS = (
    _fault(
        "guard-open",
        "The inventory is given to anybody",
        "auth-guard",
        Intercept(
            _API, _GUARDED, status=200, body='{"items": []}', content_type="application/json"
        ),
    ),
    _fault(
        "docs-open",
        "The API's documentation is public",
        "docs-hidden",
        Intercept(
            _API, "/docs", status=200, body="<html>Swagger UI</html>", content_type="text/html"
        ),
    ),
    _fault(
        "dev-portal-loaded",
        "The developer portal is loaded, if behind a login",
        "dev-portal-absent",
        Intercept(_API, "/dev/*", status=401, body="{}", content_type="application/json"),
    ),
    _fault(
        "metrics-open",
        "Prometheus' metrics are public",
        "metrics-hidden",
        Intercept(_API, "/metrics", status=200, body=_METRICS),
    ),
    _fault(
        "cors-any-origin",
        "Every origin is allowed",
        "cors",
        Intercept(_API, "/health", headers={"Access-Control-Allow-Origin": "*"}),
    ),
    _fault(
        "request-id-constant",
        "Requests carry an id that is always the same",
        "request-id",
        Intercept(_API, _GUARDED, headers={"X-Request-Id": "0000-0000-0000"}),
    ),
    _fault(
        "security-headers-lost",
        "Answers lack the header that forbids guessing their type",
        "security-headers",
        Intercept(_API, _GUARDED, headers={"X-Content-Type-Options": None}),
    ),
    _fault(
        "stack-traces-shown",
        "Errors show their stack trace",
        "stack-traces-absent",
        Intercept(_API, _GUARDED, merge={"stack": _TRACE}),
    ),
    _fault(
        "server-banner",
        "Answers name the server's software",
        "server-banner-absent",
        Intercept(_API, _GUARDED, headers={"X-Powered-By": "Express"}),
    ),
)
