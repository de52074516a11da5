"""What checks say of a stack, as tests compare it with what a fault expects."""

from __future__ import annotations

from pytest_chefrelease.rehearsal.looking import looked_at
from pytest_chefrelease.runbook.outcome import Outcome, Result

__all__ = ["labels", "looked_at"]


def labels(results: list[Result], outcome: Outcome, *, blocking: bool | None = None) -> list[str]:
    return sorted(
        result.label
        for result in results
        if result.outcome is outcome and blocking in (None, result.blocking)
    )
