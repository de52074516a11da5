"""Faults of staging, and of the addresses that are released to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal.faults.effects import Effect, changing, intercepting
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.intercept import Intercept
from pytest_chefrelease.rehearsal.repository import PREVIOUS
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.verdict import Decision

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.stack import Stack

_API, _WEB = "staging-api", "staging-web"
_COHERENCE = "version.coherence"


def _runs_previous(site: str) -> Effect:
    """The site was not deployed to."""

    def apply(stack: Stack) -> None:
        stack.change(site, **stack.previous_build.fields())

    return apply


def _answers(site: str, path: str, status: int, body: str, kind: str) -> Effect:
    return intercepting(Intercept(site, path, status=status, body=body, content_type=kind))


def _fault(name: str, title: str, apply: Effect, red: str, *unverified: str) -> Fault:
    return Fault(name, title, Stage.PRERELEASE, apply, red=(red,), unverified=unverified)


FAULTS = (
    _fault(
        "staging-old-api",
        "Staging's API still runs the previous release",
        _runs_previous(_API),
        "staging.same-code[api]",
        _COHERENCE,
    ),
    _fault(
        "staging-old-web",
        "Staging's web front still runs the previous release",
        _runs_previous(_WEB),
        "staging.same-code[web]",
        _COHERENCE,
    ),
    Fault(
        "staging-mislabelled",
        "Staging runs the release commit and says that it is the previous version",
        Stage.PRERELEASE,
        changing(_API, version=PREVIOUS),
        unverified=("staging.same-code[api]", _COHERENCE),
        verdict=Decision.HOLD,
    ),
    _fault(
        "staging-endpoint-missing",
        "Staging has no journal: 404",
        _answers(_API, "/finance/journal-entries", 404, "{}", "application/json"),
        "staging.smoke[GET /finance/journal-entries]",
    ),
    _fault(
        "staging-docs-open",
        "The documentation of staging's API is public",
        _answers(_API, "/docs", 200, "<html>Swagger UI</html>", "text/html"),
        "staging.preflight[docs-hidden]",
    ),
    _fault(
        "staging-route-500",
        "Staging's /orders answers 500",
        _answers(_WEB, "/orders", 500, "<html>Internal Server Error</html>", "text/html"),
        "staging.route[/orders]",
    ),
    _fault(
        "staging-script-fails",
        "The product's own script finds staging not ready",
        _answers(_API, "/readiness", 503, '{"database": false}', "application/json"),
        "staging.command[staging-ready]",
    ),
    _fault(
        "web-without-tls",
        "The web front's address is http: everything is readable on the way",
        lambda stack: stack.readdress("production-web", "http://app.chefcloud.example"),
        "tls.certificate[app.chefcloud.example:80]",
    ),
)
