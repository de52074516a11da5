"""Puts the parts of a stage together: results, what none of them did, and one verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from pytest_chefrelease.checks.conclude import conclude
from pytest_chefrelease.merge.gather import Part
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.record import Course, StageRecord, incompleteness
from pytest_chefrelease.runbook.shard import gaps, twice
from pytest_chefrelease.runbook.verdict import Run
from pytest_chefrelease.settings.model import Settings

_GRAVEST_FIRST = (
    Outcome.FAILED,
    Outcome.UNVERIFIED,
    Outcome.WAIVED,
    Outcome.SHADOW,
    Outcome.PASSED,
    Outcome.NOT_APPLICABLE,
)


def join(
    parts: Sequence[Part],
    settings: Settings,
    earlier: Sequence[StageRecord],
    notes: Sequence[str] = (),
) -> StageRecord:
    """The record of the whole stage.

    Each part tells which counting checks it left out: those that no part did are left out of
    the whole. ``settings`` fill the response's commands; the verdict is from the parts alone.
    Raises ValueError without any record.
    """
    records = [part.record for part in parts if part.record is not None]
    results, disagreements = _united(parts)
    course = _course(parts, results)
    finished_at = max(record.finished_at for record in records)
    record = conclude(
        settings=settings,
        release=records[0].release,
        run=Run(
            stage=records[0].stage,
            left_out=len(course.left_out),
            interrupted=course.interrupted,
            foreign_failures=course.foreign_failures,
            allow_unverified=course.allow_unverified,
            waiver_limit=course.waiver_limit,
            missing=", ".join(_missing(parts)) or None,
        ),
        results=results,
        started_at=min(record.started_at for record in records),
        finished_at=finished_at,
        earlier=earlier,
        notes=[*_notes(records), *disagreements, *notes, *incompleteness(course)],
    )
    targets = dict.fromkeys(target for one in records for target in one.targets)
    return replace(
        record,
        course=course,
        targets=tuple(targets) or record.targets,
        limits=records[0].limits,
    )


def _missing(parts: Sequence[Part]) -> Iterator[str]:
    """Shards by their number, and folders that were named and hold nothing."""
    yield from gaps([p.record.course.shard for p in parts if p.record and p.record.course.shard])
    yield from (f"evidence of {part.name} ({part.problem})" for part in parts if not part.record)


def _united(parts: Sequence[Part]) -> tuple[list[Result], list[str]]:
    """Every check once. Where several parts did it, the gravest outcome stands."""
    found: dict[str, Result] = {}
    seen: dict[str, set[Outcome]] = {}
    for part in parts:
        for result in part.record.results if part.record else ():
            label = result.label
            seen.setdefault(label, set()).add(result.outcome)
            if label not in found or _gravity(result) < _gravity(found[label]):
                found[label] = result
    differing = [label for label, outcomes in seen.items() if len(outcomes) > 1]
    notes = [
        f"{label}: the parts saw {' and '.join(sorted(seen[label]))}; the gravest stands."
        for label in differing[:10]
    ]
    return list(found.values()), notes


def _gravity(result: Result) -> int:
    return _GRAVEST_FIRST.index(result.outcome)


def _course(parts: Sequence[Part], results: Sequence[Result]) -> Course:
    named = [(part.name, part.record.course) for part in parts if part.record is not None]
    courses = [course for _, course in named]
    done = {result.label for result in results}
    left_out = {label for course in courses for label in course.left_out} - done
    ended = [f"{name}: {course.interrupted}" for name, course in named if course.interrupted]
    limits = [course.waiver_limit for course in courses if course.waiver_limit is not None]
    configurations = {course.configuration for course in courses}
    return Course(
        left_out=tuple(sorted(left_out)),
        interrupted="; ".join(ended) or None,
        foreign_failures=sum(course.foreign_failures for course in courses),
        # What one part was not allowed, the whole is not.
        allow_unverified=all(course.allow_unverified for course in courses),
        waiver_limit=min(limits, default=None),
        configuration=configurations.pop() if len(configurations) == 1 else None,
    )


def _notes(records: Sequence[StageRecord]) -> list[str]:
    """What the parts say of themselves, less what is true of a part alone; and what is odd."""
    notes = [
        note
        for record in records
        for note in record.notes
        if note not in set(incompleteness(record.course))
    ]
    if len({record.course.configuration for record in records}) > 1:
        notes.append("The parts ran with different settings.")
    again = twice(record.course.shard for record in records if record.course.shard)
    notes += [f"Shard {shard} is there more than once." for shard in again]
    return list(dict.fromkeys(notes))
