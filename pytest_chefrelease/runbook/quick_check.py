"""The runbook's ten-line quick check, filled from results of all stages."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

LINES = (
    "CI green (lint + build)",
    "Staging smoke tests pass",
    "Version tagged",
    "Secrets verified (not exposed)",
    "Database backup taken",
    "Deploy executed",
    "Migrations run",
    "Smoke tests pass",
    "Logs monitored (15 min)",
    "Release documented",
)
"""Source: runbook, "Release Checklist Summary"."""

_GRAVEST_FIRST = ("failed", "unverified", "waived", "passed", "not-applicable")
_AFTER_THE_DEPLOY = (6, 7, 8)


class LineEvidence(Struct, frozen=True):
    """One result as far as the board needs it: which line, how it ended, when, in which stage.

    ``observed_at`` is ISO 8601 in UTC, so that text sorts as time does.
    """

    line: int
    outcome: str
    stage: str
    observed_at: str
    blocking: bool = True


class Line(Struct, frozen=True):
    """A line of the board. ``outcome`` is ``pending`` while no stage has filled it.

    ``stage`` and ``observed_at`` are those of the result that decided the line.
    """

    line: int
    text: str
    outcome: str
    stage: str | None = None
    observed_at: str | None = None


def fill(evidence: Sequence[LineEvidence]) -> tuple[Line, ...]:
    """Each line takes its gravest outcome over all stages that can know of it.

    Before the deploy nobody can say that the deploy, the migrations or the smoke tests ran:
    evidence of the prerelease stage leaves those lines to the later ones. Advisory evidence
    decides only where there is no other, and its failure leaves the line unverified: it
    warns, and makes nothing red.
    """
    return tuple(
        _fill_line(number, text, [e for e in evidence if e.line == number and _can_know(e)])
        for number, text in enumerate(LINES, start=1)
    )


def _fill_line(number: int, text: str, evidence: Sequence[LineEvidence]) -> Line:
    counting = [e for e in evidence if e.blocking] or [_warning(e) for e in evidence]
    for outcome in _GRAVEST_FIRST:
        deciding = [e for e in counting if e.outcome == outcome]
        if deciding:
            last = max(deciding, key=lambda e: e.observed_at)
            return Line(number, text, outcome, last.stage, last.observed_at)
    return Line(number, text, "pending")


def _can_know(evidence: LineEvidence) -> bool:
    return evidence.stage != "prerelease" or evidence.line not in _AFTER_THE_DEPLOY


def _warning(evidence: LineEvidence) -> LineEvidence:
    return replace(evidence, outcome="unverified") if evidence.outcome == "failed" else evidence
