"""Outcomes of checks, and the result that a report shows for each."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Severity, Stage, Symptom


class Outcome(StrEnum):
    """What became of an item; ``SHADOW`` is verified and shown, but does not count yet."""

    PASSED = "passed"
    FAILED = "failed"
    UNVERIFIED = "unverified"
    NOT_APPLICABLE = "not-applicable"
    WAIVED = "waived"
    SHADOW = "shadow"


class Result(Struct, frozen=True):
    """The outcome of one check: an item with one parameter in one stage.

    ``summary`` is the one sentence a person reads; ``expected``, ``seen`` and ``where`` are
    its parts when it did not pass; ``duration_s`` is the check's own time in seconds.
    ``severity`` and ``blocking`` are those that count here, after settings.
    """

    item: Item
    parameter: str | None
    stage: Stage
    outcome: Outcome
    summary: str
    severity: Severity
    blocking: bool
    remedy: str = ""
    expected: str = ""
    seen: str = ""
    where: str = ""
    evidence: Evidence | None = None
    symptom: Symptom | None = None
    duration_s: float = 0.0
    nodeid: str = ""

    @property
    def label(self) -> str:
        """The check's name: ``secrets.strength[JWT_SECRET]``."""
        return self.item.label(self.parameter)

    @property
    def blocks(self) -> bool:
        """Whether this result makes the verdict NO-GO."""
        return self.blocking and self.outcome is Outcome.FAILED

    @property
    def holds(self) -> bool:
        """Whether this result makes the verdict HOLD where nothing blocks."""
        return self.blocking and self.outcome is Outcome.UNVERIFIED


def count(results: Iterable[Result]) -> dict[str, int]:
    """Number of results for each outcome, every outcome named."""
    counts = {outcome.value: 0 for outcome in Outcome}
    for result in results:
        counts[result.outcome.value] += 1
    return counts
