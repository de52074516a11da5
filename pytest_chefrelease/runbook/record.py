"""The record of a stage: what reports render, what is kept per release, what is signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Result
from pytest_chefrelease.runbook.quick_check import Line
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.runbook.response import Response
from pytest_chefrelease.runbook.verdict import Verdict


@dataclass(frozen=True, slots=True)
class StageRecord:
    """One run of one stage, whole.

    ``notes`` are sentences about the run itself (partial, interrupted, loosened
    thresholds); ``targets`` are the systems it looked at, by name.
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
