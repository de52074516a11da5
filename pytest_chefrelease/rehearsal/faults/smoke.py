"""Faults of single endpoints, while health says that all is well."""

from __future__ import annotations

from pytest_chefrelease.rehearsal.faults.effects import Effect, intercepting
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.faults.parameters import NO_5XX, SMOKE
from pytest_chefrelease.rehearsal.intercept import Intercept
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action


def _answers(name: str, status: int, body: str = "{}", kind: str = "application/json") -> Effect:
    method, path = name.split(" ")
    return intercepting(
        Intercept(
            "production-api", path, method=method, status=status, body=body, content_type=kind
        )
    )


def _fault(
    name: str,
    title: str,
    endpoint: str,
    apply: Effect,
    *also: str,
    action: Action = Action.ROLL_BACK_OR_HOTFIX,
) -> Fault:
    red = (SMOKE[endpoint], *also)
    return Fault(name, title, Stage.POSTRELEASE, apply, red=red, action=action)


_PAYROLL, _JOURNAL = "GET /workforce/payroll-runs", "GET /finance/journal-entries"
_CATEGORIES, _SWIPE = "GET /inventory/categories", "POST /auth/msr-swipe"
_PAGE = "<html><body>Welcome to nginx!</body></html>"

FAULTS = (
    _fault("endpoint-missing", "Payroll is not deployed: 404", _PAYROLL, _answers(_PAYROLL, 404)),
    _fault("endpoint-500", "The journal answers 500", _JOURNAL, _answers(_JOURNAL, 500), NO_5XX),
    _fault(
        "endpoint-html",
        "A proxy's page answers 200 instead of the inventory's categories",
        _CATEGORIES,
        _answers(_CATEGORIES, 200, _PAGE, "text/html"),
    ),
    _fault("swipe-missing", "Badge login is not deployed: 404", _SWIPE, _answers(_SWIPE, 404)),
    _fault(
        "swipe-lets-in",
        "Badge login succeeds without a badge",
        _SWIPE,
        _answers(_SWIPE, 201, '{"access_token": "x"}'),
        action=Action.ROLL_BACK,
    ),
)
