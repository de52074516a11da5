"""Puts the results of a run together: verdict, response, board: the stage's record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from pytest_chefrelease.checks.declare import Check
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.quick_check import Line, LineEvidence, fill
from pytest_chefrelease.runbook.record import StageRecord
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.runbook.response import Deployment, respond
from pytest_chefrelease.runbook.verdict import Run, decide
from pytest_chefrelease.settings.model import Settings


def expected_labels(checks: Iterable[Check], settings: Settings, stage: Stage) -> set[str]:
    """The labels of all blocking checks that a whole run of the stage has."""
    labels = set()
    for check in checks:
        override = settings.items.get(check.item.id)
        blocking = check.item.blocking
        if override is not None and override.blocking is not None:
            blocking = override.blocking
        if stage not in check.item.stages or not blocking:
            continue
        for parameter in check.parameters_for(settings, stage):
            labels.add(f"{check.item.id}[{parameter}]" if parameter else check.item.id)
    return labels


def conclude(
    *,
    settings: Settings,
    release: Release,
    run: Run,
    results: Sequence[Result],
    started_at: datetime,
    finished_at: datetime,
    earlier: Sequence[StageRecord] = (),
    notes: Sequence[str] = (),
) -> StageRecord:
    """The record of a run. ``earlier`` are the records of this release's other stages."""
    verdict = decide(run, results)
    return StageRecord(
        release=release,
        stage=run.stage,
        started_at=started_at,
        finished_at=finished_at,
        verdict=verdict,
        response=respond(run.stage, verdict, results, deployment(settings, release, results)),
        quick_check=_board(results, earlier, finished_at),
        results=tuple(results),
        targets=_targets(settings),
        notes=tuple(notes),
    )


def deployment(settings: Settings, release: Release, results: Sequence[Result]) -> Deployment:
    """What the response's commands are filled in with."""
    provider = settings.provider
    return Deployment(
        provider=provider.name,
        apps=tuple(app for app in (provider.app, provider.web_app) if app),
        previous_version=settings.release.previous_version or release.previous_version,
        image=provider.previous_image,
        backup=_fact(results, "backup.fresh", "path"),
        migration=_fact(results, "migrations.status", "failed_migration"),
    )


def _fact(results: Sequence[Result], item_id: str, name: str) -> str | None:
    for result in results:
        if result.item.id == item_id and result.evidence is not None:
            value = result.evidence.facts.get(name)
            return value if isinstance(value, str) else None
    return None


def _board(
    results: Sequence[Result], earlier: Sequence[StageRecord], now: datetime
) -> tuple[Line, ...]:
    lines = [_line(result, now) for result in results]
    for record in earlier:
        lines += [_line(result, record.finished_at) for result in record.results]
    return fill([line for line in lines if line is not None])


def _line(result: Result, now: datetime) -> LineEvidence | None:
    if result.item.quick_check is None or result.outcome is Outcome.SHADOW:
        return None
    at = result.evidence.observed_at if result.evidence else now
    return LineEvidence(
        line=result.item.quick_check,
        outcome=result.outcome.value,
        stage=result.stage.value,
        observed_at=at.isoformat(timespec="seconds"),
        blocking=result.blocking,
    )


def _targets(settings: Settings) -> tuple[tuple[str, str], ...]:
    target = settings.target
    named = {"API": target.api, "Web": target.web, "CI": settings.ci.repository}
    return tuple((name, value) for name, value in named.items() if value)
