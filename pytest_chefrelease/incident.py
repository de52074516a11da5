"""What ``chefrelease incident`` knows: the last records of the release, put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from pytest_chefrelease.checks.conclude import deployment
from pytest_chefrelease.desk import Desk
from pytest_chefrelease.runbook.evidence import Timeline
from pytest_chefrelease.runbook.incident import Situation
from pytest_chefrelease.runbook.item import Severity, Stage, Symptom
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.record import StageRecord
from pytest_chefrelease.runbook.verdict import gravest_first

_MOST_FOUND = 5


class Event(Struct, frozen=True):
    """Something that happened, in a line."""

    at: datetime
    text: str


def situation_of(desk: Desk, now: datetime, note: str) -> Situation:
    """Everything that the records and settings tell of an incident that is called ``now``."""
    failed = sorted(_failed(desk.records), key=gravest_first)
    results = [result for record in desk.records for result in record.results]
    target = desk.settings.target
    return Situation(
        release=desk.release.name,
        deployment=deployment(desk.settings, desk.release, results),
        since=min((event.at for event in _failures(desk.records)), default=now),
        found=tuple(f"{r.label}: {r.summary}" for r in failed[:_MOST_FOUND]),
        api=target.api,
        health=target.api + target.health if target.api else None,
        flags=desk.settings.incident.flags,
        no_way_back=_no_way_back(results),
        is_migration=any(_symptom(r) is Symptom.MIGRATION_FAILED for r in failed),
        has_runs=bool(desk.records),
        note=note,
    )


def level_of(desk: Desk) -> Severity | None:
    """The gravest severity that the runs after the deploy found; None where all is well."""
    return min((result.severity for result in _failed(desk.records)), default=None)


def events_of(desk: Desk) -> tuple[Event, ...]:
    """The timeline: the stages' runs, and what changed during the watch, oldest first."""
    ran = [
        Event(r.finished_at, f"{r.stage}: {r.verdict.decision}. {r.verdict.sentence}")
        for r in desk.records
    ]
    watched = [event for record in desk.records for event in _watched(record)]
    return tuple(sorted([*ran, *watched], key=lambda event: event.at))


def _failed(records: Iterable[StageRecord]) -> list[Result]:
    """Failures that a deploy can have caused: of the stages after it."""
    after = (record for record in records if record.stage is not Stage.PRERELEASE)
    return [result for record in after for result in record.results if result.blocks]


def _failures(records: Iterable[StageRecord]) -> Iterator[Event]:
    """When failures began: in the watch by its timeline, else when the stage saw them."""
    for record in records:
        yield from (event for event in _watched(record) if ": failed" in event.text)
        if record.stage is Stage.POSTRELEASE and _failed([record]):
            yield Event(record.started_at.astimezone(UTC), "postrelease")


def _watched(record: StageRecord) -> Iterator[Event]:
    """The changes of every signal whose timeline a watch has kept."""
    if record.stage is not Stage.MONITORING:
        return
    for result in record.results:
        for kept in result.evidence.attachments if result.evidence else ():
            if isinstance(kept, Timeline):
                yield from _changes(result, kept, record.started_at)


def _changes(result: Result, kept: Timeline, began: datetime) -> Iterator[Event]:
    """Every change but a first look that was well."""
    for number, (at_s, state, said) in enumerate(kept.marks):
        if number or state != Outcome.PASSED.value:
            at = (began + timedelta(seconds=at_s)).astimezone(UTC)
            yield Event(at, f"{result.label}: {state}. {said}")


def _no_way_back(results: Iterable[Result]) -> str | None:
    """Why code before the release would not work on the database any more."""
    for result in results:
        if result.item.id == "rollback.previous-release" and result.outcome is not Outcome.PASSED:
            return result.summary
    return None


def _symptom(result: Result) -> Symptom | None:
    return result.symptom or result.item.symptom
