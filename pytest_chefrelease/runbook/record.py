"""The record of a stage: what reports render, what is kept per release, what is signed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.limits import Limit
from pytest_chefrelease.runbook.outcome import Result
from pytest_chefrelease.runbook.quick_check import Line
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.runbook.response import Response
from pytest_chefrelease.runbook.shard import Shard
from pytest_chefrelease.runbook.verdict import Verdict


class Course(Struct, frozen=True):
    """How a run went, beside its results: what merging shards and attesting must know.

    ``left_out`` are the labels of the stage's counting checks that did not come to an end;
    the rest is as in ``verdict.Run``. ``configuration`` is the settings file's name and the
    SHA-256 of its bytes, None where there was no file.
    """

    shard: Shard | None = None
    left_out: tuple[str, ...] = ()
    interrupted: str | None = None
    foreign_failures: int = 0
    allow_unverified: bool = False
    waiver_limit: int | None = None
    configuration: tuple[str, str] | None = None


_MOST_NAMED = 10


def incompleteness(course: Course) -> Iterator[str]:
    """What a run lacks, in sentences."""
    if course.shard is not None:
        yield (
            f"This is shard {course.shard.number} of {course.shard.total}: all shards together "
            "have a verdict, which chefrelease merge gives."
        )
    if course.left_out:
        more = len(course.left_out) - _MOST_NAMED
        rest = f" and {more} more" if more > 0 else ""
        yield f"Not verified in this run: {', '.join(course.left_out[:_MOST_NAMED])}{rest}."


class StageRecord(Struct, frozen=True):
    """One run of one stage, whole.

    ``notes`` are sentences about the run itself (partial, interrupted, loosened
    thresholds); ``targets`` are the systems it looked at, by name; ``limits`` are those of
    settings by which it judged.
    """

    release: Release
    stage: Stage
    started_at: datetime
    finished_at: datetime
    verdict: Verdict
    response: Response
    quick_check: tuple[Line, ...]
    results: tuple[Result, ...]
    targets: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    course: Course = Course()
    limits: tuple[Limit, ...] = ()
