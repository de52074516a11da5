"""What ChefCloud's gate said of earlier releases, and what came of them, as its ledger tells."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from pytest_chefrelease import ledger
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.record import StageRecord
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.runbook.response import Deployment, respond
from pytest_chefrelease.runbook.slower import REGRESSION, figures
from pytest_chefrelease.runbook.track_record import Became
from pytest_chefrelease.runbook.verdict import Run, decide

_ENDPOINTS = ("/health", "/inventory/items")
_VERIFIED = ("ci.required-checks", "ci.commit-on-main", "version.tag")


class Past(Struct, frozen=True):
    """An earlier release: what each of its prerelease runs found failed, and what it became."""

    version: str
    days_ago: int
    failed: Sequence[str]
    became: Became


USUAL = (
    Past("v1.4.0", 33, ("ci.required-checks", ""), Became.GOOD),
    Past("v1.4.1", 12, ("",), Became.ROLLED_BACK),
    Past("v1.4.2", 5, ("",), Became.GOOD),
)
"""Blocked once and mended, once passed what went wrong, once all well."""

CRYING_WOLF = tuple(
    Past(f"v1.3.{n}", 60 - n, ("ci.commit-on-main",), Became.GOOD) for n in range(3)
)
"""Three releases that went out over the same block, and were good."""


def write(path: Path, releases: Sequence[Past] = USUAL) -> None:
    """Write the ledger of these releases anew."""
    path.unlink(missing_ok=True)
    for past in releases:
        deployed = datetime.now(UTC) - timedelta(days=past.days_ago, hours=-len(past.failed))
        for attempt, failed in enumerate(past.failed):
            at = datetime.now(UTC) - timedelta(days=past.days_ago, hours=-attempt)
            ledger.enter(path, _run(past.version, failed, at))
        ledger.enter(path, _record(Stage.POSTRELEASE, past.version, deployed, _measured(deployed)))
        at = datetime.now(UTC) - timedelta(days=past.days_ago - 1)
        ledger.say_outcome(path, past.version, past.became, by="Ada Keller", note="", at=at)


def _run(version: str, failed: str, at: datetime) -> StageRecord:
    results = tuple(
        _result(name, Outcome.FAILED if name == failed else Outcome.PASSED) for name in _VERIFIED
    )
    return _record(Stage.PRERELEASE, version, at, results)


def _measured(at: datetime) -> tuple[Result, ...]:
    """How quick the endpoints were then: 300 requests each, as on an idle machine."""
    draw = random.Random(at.date().isoformat())
    found = []
    for endpoint in _ENDPOINTS:
        seen = figures([draw.lognormvariate(1.0, 0.4) for _ in range(300)])
        plain = _result(REGRESSION, Outcome.PASSED, Stage.POSTRELEASE)
        evidence = Evidence("as quick as before", f"GET {endpoint}", at, {**seen.facts()})
        found.append(replace(plain, parameter=endpoint, evidence=evidence))
    return tuple(found)


def _record(stage: Stage, version: str, at: datetime, results: tuple[Result, ...]) -> StageRecord:
    verdict = decide(Run(stage), results)
    return StageRecord(
        release=Release(version, None, "production"),
        stage=stage,
        started_at=at,
        finished_at=at,
        verdict=verdict,
        response=respond(stage, verdict, results, Deployment()),
        quick_check=(),
        results=results,
    )


def _result(name: str, outcome: Outcome, stage: Stage = Stage.PRERELEASE) -> Result:
    item = catalogue()[name].item
    return Result(
        item=item,
        parameter=None,
        stage=stage,
        outcome=outcome,
        summary=f"{name} {outcome}",
        severity=item.severity,
        blocking=item.blocking,
    )
