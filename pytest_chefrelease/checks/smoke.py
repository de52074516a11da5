"""Smoke: every endpoint of the runbook's list answers as it should after a deploy."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_chefrelease.checks.answers import (
    REQUEST_ID,
    ask,
    likely_cause,
    transcript,
)
from pytest_chefrelease.checks.closed import demand_open
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.errors import Failed
from pytest_chefrelease.probes.http import Answer
from pytest_chefrelease.runbook.evidence import Evidence, Scalar
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage, Symptom
from pytest_chefrelease.settings.model import Settings
from pytest_chefrelease.settings.values import Endpoint

EMPTY_BODY = b"{}"
"""What a login probe sends: a JSON object without credentials."""

MINIMUM = Minimum(counts={"answers": 1}, facts=("http_status",))


def endpoint_names(settings: Settings, _stage: Stage) -> Sequence[str]:
    """``GET /health`` and so on, as ``[smoke] endpoints`` lists them."""
    return [endpoint.name for endpoint in settings.smoke.endpoints]


@check(
    Item(
        id="smoke.endpoint",
        title="The endpoint answers with one of its statuses, in time",
        stages=(Stage.POSTRELEASE,),
        severity=Severity.P2,
        section=Section.AUTOMATED,
        quick_check=8,
        minimum=MINIMUM,
        remedy="Roll back or hotfix within 1 h.",
        timeout_s=60,
    ),
    each=endpoint_names,
)
async def smoke_endpoint(look: Context, name: str) -> Evidence:
    """One request to one endpoint of the API that is released to."""
    return await verify_endpoint(look, look.api, name)


async def verify_endpoint(look: Context, base: str, name: str) -> Evidence:
    """Ask the endpoint ``name`` of the API at ``base``, and judge the answer.

    Raises Failed with request, expected, seen and the likely cause; Unverified during
    maintenance.
    """
    endpoint = next(e for e in look.settings.smoke.endpoints if e.name == name)
    answer = await _send(look, base + endpoint.path, endpoint)
    seen = _evidence(answer, endpoint)
    if answer.status in endpoint.status and (endpoint.html or not answer.is_html):
        if 200 <= answer.status < 300 and answer.is_broken_json:
            raise _broken(answer, endpoint, seen)
        return seen
    demand_open(answer.status, answer.headers, seen.source, seen)
    if endpoint.method == "POST" and 200 <= answer.status < 300:
        raise _let_in(answer, endpoint, seen)
    kind = "an HTML page" if answer.is_html else answer.excerpt(120) or "no body"
    raise Failed(
        f"status {answer.status}, {kind}",
        expected=_expected(endpoint),
        where=seen.source,
        remedy=likely_cause(answer),
        evidence=seen,
    )


async def _send(look: Context, url: str, endpoint: Endpoint) -> Answer:
    is_probe = endpoint.method == "POST"
    return await ask(
        look,
        endpoint.method,
        url,
        headers={"content-type": "application/json"} if is_probe else None,
        body=EMPTY_BODY if is_probe else None,
        timeout_s=endpoint.timeout.total_seconds(),
    )


def _evidence(answer: Answer, endpoint: Endpoint) -> Evidence:
    allowed: list[Scalar] = [*endpoint.status]
    return Evidence(
        summary=f"status {answer.status} in {answer.elapsed_ms:.0f} ms",
        source=f"{endpoint.method} {answer.url}",
        observed_at=answer.observed_at,
        facts={
            "answers": 1,
            "http_status": answer.status,
            "allowed_statuses": allowed,
            "elapsed_ms": round(answer.elapsed_ms, 1),
            "content_type": answer.content_type,
            "request_id": answer.headers.get(REQUEST_ID, "")[:80],
        },
        attachments=(transcript(answer, endpoint.method),),
    )


def _expected(endpoint: Endpoint) -> str:
    statuses = " or ".join(map(str, endpoint.status))
    return f"status {statuses} within {endpoint.timeout.total_seconds():g} s" + (
        "" if endpoint.html else ", no HTML page"
    )


def _broken(answer: Answer, endpoint: Endpoint, seen: Evidence) -> Failed:
    """A status alone proves nothing where the body broke off, or never came."""
    return Failed(
        f"status {answer.status}, {answer.content_type} that is none: "
        f"{answer.excerpt(80) or 'no body'}",
        expected=f"{_expected(endpoint)}, and a whole JSON document",
        where=seen.source,
        remedy="Call it by hand: what answers broke off, or is a proxy before the application.",
        evidence=seen,
    )


def _let_in(answer: Answer, endpoint: Endpoint, seen: Evidence) -> Failed:
    """A login that succeeds without credentials is an incident, not a smoke failure."""
    return Failed(
        f"status {answer.status}: a login without credentials succeeds",
        expected=_expected(endpoint),
        where=seen.source,
        remedy="Authentication is broken: roll back now, then see who logged in since.",
        evidence=seen,
        severity=Severity.P1,
        symptom=Symptom.LOGIN_BROKEN,
    )
