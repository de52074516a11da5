"""Health: the API says of itself that it is well, and which release it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.readiness import health_readiness
from pytest_chefrelease.checks.service_state import as_object, is_off, is_up, states, unanswered
from pytest_chefrelease.errors import (
    Failed,
    Malformed,
    NoAnswer,
    Unreachable,
    Unverified,
)
from pytest_chefrelease.probes.http import Answer
from pytest_chefrelease.runbook.evidence import Evidence, Fact, Text
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage, Symptom
from pytest_chefrelease.runbook.release import Release

__all__ = ["health_endpoint", "health_readiness"]

_CLOCK_TOLERANCE_S = 60
_DATABASE = re.compile(r"database|postgres|\bdb\b", re.IGNORECASE)
_SHOWN_CHARS = 60


@check(
    Item(
        id="health.endpoint",
        title="The health endpoint answers ok, for this release",
        stages=(Stage.POSTRELEASE, Stage.MONITORING),
        severity=Severity.P1,
        section=Section.AUTOMATED,
        quick_check=8,
        minimum=Minimum(counts={"answers": 1, "services_up": 1}, facts=("status",)),
        remedy="Roll back now; then read the API's logs since the deploy.",
        signal="elapsed_ms",
    )
)
async def health_endpoint(look: Context) -> Evidence:
    """GET /health: 200, JSON, status ok, services up, clock right, version the release's."""
    url = look.api + look.settings.target.health
    try:
        answer = await look.probes.http.get(url)
        document = answer.json() if answer.status == 200 else None
    except (Unreachable, NoAnswer, Malformed) as error:
        # No answer is not missing evidence here: a system that does not answer is not well.
        raise unanswered(error, url) from None
    seen = _evidence(answer, document, look.release)
    _demand_object(answer, document, seen)
    health = as_object(document)
    _demand_status(health, seen)
    _demand_services(health, seen)
    _demand_clock(health, look.now(), seen)
    _demand_version(health, look, seen)
    return seen


def _evidence(answer: Answer, document: object, release: Release) -> Evidence:
    health = as_object(document)
    status, version = _text(health.get("status")), _text(health.get("version"))
    services = states(health.get("services"))
    facts: dict[str, Fact] = {
        "answers": 1,
        "http_status": answer.status,
        "elapsed_ms": round(answer.elapsed_ms, 1),
        "status": status,
        "version": version,
        "release_version": release.version,
        "uptime_s": _number(health.get("uptime")),
        "services": {name: _text(state) for name, state in services.items()},
        "services_up": sum(is_up(state) for state in services.values()),
    }
    running = f", version {version}" if version else ""
    if release.version is None:
        running += " (not compared: the release's version is unknown)"
    return Evidence(
        summary=f"status {status}{running}, answered in {answer.elapsed_ms:.0f} ms",
        source=f"GET {answer.url}",
        observed_at=answer.observed_at,
        facts=facts,
        commit=_commit(health),
        attachments=(Text("Body", answer.excerpt(2_000)),),
    )


def _demand_object(answer: Answer, document: object, seen: Evidence) -> None:
    if answer.status != 200:
        raise Failed(
            f"status {answer.status}: {answer.excerpt(120) or 'no body'}",
            expected="status 200",
            where=seen.source,
            evidence=seen,
            symptom=Symptom.HEALTH_FAILING,
        )
    if not isinstance(document, dict):
        raise Failed(
            f"the JSON is no object: {answer.excerpt(80)}",
            expected="an object with status, timestamp, version and services",
            where=seen.source,
            evidence=seen,
            symptom=Symptom.HEALTH_FAILING,
        )


def _demand_status(health: Mapping[str, object], seen: Evidence) -> None:
    status, down = _text(health.get("status")), _down(health)
    if status.lower() == "ok":
        return
    said = f"status {status[:_SHOWN_CHARS] or 'missing'}" + (f": {', '.join(down)}" if down else "")
    if status.lower() == "degraded" and not _is_database_down(health):
        # P2 by the catalogue; without its database the application cannot work at all.
        raise Failed(
            said,
            expected="status ok",
            where=seen.source,
            remedy="Find the service that is down; roll back or hotfix within 1 h.",
            evidence=seen,
            severity=Severity.P2,
        )
    raise Failed(
        said,
        expected="status ok",
        where=seen.source,
        evidence=seen,
        symptom=Symptom.HEALTH_FAILING,
    )


def _demand_services(health: Mapping[str, object], seen: Evidence) -> None:
    down = _down(health)
    if down:
        raise Failed(
            f"status ok, but {', '.join(down)}",
            expected="every service up",
            where=seen.source,
            remedy="Look at that service itself and at the connection string in use.",
            evidence=seen,
            symptom=Symptom.HEALTH_FAILING,
        )
    if not seen.facts["services_up"]:
        raise Unverified(
            "status ok, but nothing is said of the services behind it",
            expected="services with their state, such as {database: up}",
            where=seen.source,
            remedy="Let the endpoint ask its database and say so: ok alone is a constant.",
            evidence=seen,
        )


def _demand_clock(health: Mapping[str, object], now: datetime, seen: Evidence) -> None:
    stamp = _text(health.get("timestamp"))[:_SHOWN_CHARS]
    told = _time(stamp)
    if told is None:
        raise Failed(
            f"timestamp {stamp or 'missing'}",
            expected="an ISO 8601 time with its zone",
            where=seen.source,
            remedy="Add it: without it an old answer from a cache looks like a live one.",
            evidence=seen,
        )
    off_s = (told - now).total_seconds()
    if abs(off_s) > _CLOCK_TOLERANCE_S:
        raise Failed(
            f"timestamp {stamp}, {abs(off_s):.0f} s {'after' if off_s > 0 else 'before'} now",
            expected="within a minute of now",
            where=seen.source,
            remedy="A cache answers instead of the API, or a clock is wrong: check both.",
            evidence=seen,
        )


def _demand_version(health: Mapping[str, object], look: Context, seen: Evidence) -> None:
    if look.release.version is None:
        return
    prefix = look.settings.release.tag_prefix
    running = _text(health.get("version"))[:_SHOWN_CHARS]
    if _bare(running, prefix) != _bare(look.release.version, prefix):
        raise Failed(
            f"version {running or 'missing'} runs",
            expected=f"the release's, {look.release.version}",
            where=seen.source,
            remedy="The deploy did not reach this instance, or BUILD_VERSION is wrong.",
            evidence=seen,
        )


def _bare(version: str, prefix: str) -> str:
    return version.strip().removeprefix(prefix).removeprefix("v")


def _time(stamp: str) -> datetime | None:
    try:
        told = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return told if told.tzinfo is not None else None


def _down(health: Mapping[str, object]) -> list[str]:
    return [
        f"service {name} is {_text(state)[:_SHOWN_CHARS] or 'empty'}"
        for name, state in states(health.get("services")).items()
        if not is_up(state) and not is_off(state)
    ]


def _is_database_down(health: Mapping[str, object]) -> bool:
    return any(
        _DATABASE.search(name) and not is_up(state) and not is_off(state)
        for name, state in states(health.get("services")).items()
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "up" if value else "down"
    return str(value)[:200]


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _commit(health: Mapping[str, object]) -> str | None:
    for key in ("commit", "sha", "buildSha", "build_sha"):
        if isinstance(health.get(key), str):
            return _text(health[key]) or None
    return None
