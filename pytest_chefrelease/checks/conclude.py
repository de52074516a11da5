"""Puts the results of a run together: verdict, response, board: the stage's record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from pytest_chefrelease.checks.declare import Check
from pytest_chefrelease.checks.policy import is_blocking, override_of
from pytest_chefrelease.runbook.item import Item, Stage
from pytest_chefrelease.runbook.migration_assessment import answers
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.quick_check import Line, LineEvidence, fill
from pytest_chefrelease.runbook.record import StageRecord
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.runbook.response import Deployment, respond
from pytest_chefrelease.runbook.verdict import Run, decide
from pytest_chefrelease.settings.limits import limits_of
from pytest_chefrelease.settings.model import Settings


def expected_labels(checks: Iterable[Check], settings: Settings, stage: Stage) -> set[str]:
    """The labels of all checks that count in a whole run of the stage: a run without is partial."""
    return {
        check.item.label(parameter)
        for check in checks
        if stage in check.item.stages and _counts(check.item, settings)
        for parameter in check.parameters_for(settings, stage)
    }


def _counts(item: Item, settings: Settings) -> bool:
    return is_blocking(item, settings) and not override_of(item, settings).shadow


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
    # What earlier stages saw fills commands too: the backup is prerelease's.
    known = [*results, *(result for record in earlier for result in record.results)]
    return StageRecord(
        release=release,
        stage=run.stage,
        started_at=started_at,
        finished_at=finished_at,
        verdict=verdict,
        response=respond(run.stage, verdict, results, deployment(settings, release, known)),
        quick_check=_board(results, earlier, finished_at),
        results=tuple(results),
        targets=_targets(settings),
        notes=tuple(notes),
        limits=limits_of(settings),
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
        targets=_targets_of_rollback(settings, results),
        assessment=answers(r for r in results if r.stage is not Stage.PRERELEASE),
    )


def _targets_of_rollback(settings: Settings, results: Sequence[Result]) -> Mapping[str, str]:
    """What the provider takes to go back, by app, as the checks found it there.

    What ran before the deploy is surest; after it, what the provider remembers.
    """
    found: dict[str, str] = {}
    for result in results:
        facts = result.evidence.facts if result.evidence else {}
        if result.item.id == "rollback.previous-release":
            told = facts.get("targets")
            found |= {str(k): str(v) for k, v in told.items()} if isinstance(told, dict) else {}
    apps = {"api": settings.provider.app, "web": settings.provider.web_app}
    for result in results:
        app = apps.get(result.parameter or "") if result.item.id == "deploy.executed" else None
        told = result.evidence.facts.get("previous_reference") if result.evidence else None
        if app and isinstance(told, str):
            found.setdefault(app, told)
    return found


def _fact(results: Sequence[Result], item_id: str, name: str) -> str | None:
    """The first text that an item's results hold under a name."""
    for result in results:
        if result.item.id == item_id and result.evidence is not None:
            value = result.evidence.facts.get(name)
            if isinstance(value, str) and value:
                return value
    return None


def board_of(records: Sequence[StageRecord]) -> tuple[Line, ...]:
    """The ten lines as the last runs of all stages fill them."""
    return _board((), records, datetime.now(UTC))


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
        observed_at=at.astimezone(UTC).isoformat(timespec="seconds"),
        blocking=result.blocking,
    )


def _targets(settings: Settings) -> tuple[tuple[str, str], ...]:
    target = settings.target
    named = {"API": target.api, "Web": target.web, "CI": settings.ci.repository}
    return tuple((name, value) for name, value in named.items() if value)
