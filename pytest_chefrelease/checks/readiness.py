"""Readiness: the API says of every dependency that it is there."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.service_state import as_object, is_down, is_up, states, unanswered
from pytest_chefrelease.errors import (
    Failed,
    Malformed,
    NoAnswer,
    NotApplicable,
    Unreachable,
    Unverified,
)
from pytest_chefrelease.probes.http import Answer
from pytest_chefrelease.runbook.evidence import Evidence, Fact, Text
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage, Symptom

_GROUPS = ("checks", "dependencies", "services", "components", "details", "info")
"""Where an answer keeps its dependencies when they are not its own keys.

``info`` is last: where there are ``details`` too it holds only those that are up (Terminus).
"""
_WHOLE = ("status", "ready", "ok", "healthy", "success")
"""What an answer says of itself as a whole: nothing that any dependency has said."""
_NO_DEPENDENCIES = (*_WHOLE, "timestamp", "uptime", "version", "commit")
_SHOWN_CHARS = 60


@check(
    Item(
        id="health.readiness",
        title="The readiness endpoint says that every dependency is there",
        stages=(Stage.POSTRELEASE, Stage.MONITORING),
        severity=Severity.P1,
        section=Section.AUTOMATED,
        quick_check=8,
        minimum=Minimum(counts={"answers": 1, "dependencies": 1}),
        remedy="Look at the dependency that is missing and at its connection string; else roll "
        "back.",
        if_configured=True,
    )
)
async def health_readiness(look: Context) -> Evidence:
    """GET of the environment's ``readiness``: 200, a JSON object, every dependency true."""
    path = look.settings.target.readiness
    if path is None:
        place = f"environments.{look.settings.release.environment}.readiness"
        raise NotApplicable(f"no readiness endpoint is configured ({place})")
    url = look.api + path
    try:
        answer = await look.probes.http.get(url)
        document = answer.json()
    except (Unreachable, NoAnswer, Malformed) as error:
        # As with health: a system that does not answer is not ready.
        raise unanswered(error, url) from None
    dependencies = _dependencies(as_object(document))
    seen = _evidence(answer, dependencies)
    _demand(answer, _unready(as_object(document)), dependencies, seen)
    return seen


def _dependencies(document: Mapping[str, object]) -> Mapping[str, object]:
    for group in _GROUPS:
        if isinstance(document.get(group), dict):
            return states(document[group])
    return states({k: v for k, v in document.items() if k.lower() not in _NO_DEPENDENCIES})


def _unready(document: Mapping[str, object]) -> list[str]:
    """What the answer says of itself as a whole, where that is not that it is ready."""
    return [
        f"{name} is {str(said)[:_SHOWN_CHARS]}"
        for name, said in document.items()
        if name.lower() in _WHOLE and is_down(said)
    ]


def _evidence(answer: Answer, dependencies: Mapping[str, object]) -> Evidence:
    facts: dict[str, Fact] = {
        "answers": 1,
        "http_status": answer.status,
        "elapsed_ms": round(answer.elapsed_ms, 1),
        "dependencies": len(dependencies),
    }
    return Evidence(
        summary=f"{len(dependencies)} dependencies are there: {', '.join(dependencies)[:200]}",
        source=f"GET {answer.url}",
        observed_at=answer.observed_at,
        facts=facts,
        attachments=(Text("Body", answer.excerpt(2_000)),),
    )


def _demand(
    answer: Answer, unready: list[str], dependencies: Mapping[str, object], seen: Evidence
) -> None:
    missing = unready + [
        f"{name} is {str(state)[:_SHOWN_CHARS]}"
        for name, state in dependencies.items()
        if not is_up(state)
    ]
    if missing or answer.status != 200:
        raise Failed(
            ", ".join([*([f"status {answer.status}"] * (answer.status != 200)), *missing]),
            expected="status 200, and every dependency true",
            where=seen.source,
            evidence=seen,
            symptom=Symptom.HEALTH_FAILING,
        )
    if not dependencies:
        raise Unverified(
            f"status 200, and no dependency is named: {answer.excerpt(80) or 'no body'}",
            expected="an object such as {database: true}",
            where=seen.source,
            remedy="Let the endpoint ask its dependencies and say so: 200 alone is a constant.",
            evidence=seen,
        )
