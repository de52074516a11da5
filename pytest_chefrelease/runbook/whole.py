"""The whole runbook's verdict: what the last runs of all three stages say together.

Source: DESIGN.md section 3, rules 1 and 9.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.quick_check import LINES, Line
from pytest_chefrelease.runbook.record import StageRecord
from pytest_chefrelease.runbook.verdict import Decision

_FINE = ("passed", "waived", "not-applicable")


class Whole(Struct, frozen=True):
    """The verdict and why."""

    decision: Decision
    sentence: str


def judge(records: Sequence[StageRecord], board: Sequence[Line]) -> Whole:
    """NO-GO when a stage's last run was; else HOLD when one was, or is missing; else GO.

    A line of the board that nobody has filled holds it too, whatever the stages say.
    """
    for decision in (Decision.NO_GO, Decision.HOLD):
        for record in records:
            if record.verdict.decision is decision:
                return Whole(decision, f"{record.stage}: {record.verdict.sentence}")
    missing = [stage.value for stage in Stage if all(r.stage is not stage for r in records)]
    if missing:
        return Whole(Decision.HOLD, f"not run yet for this commit: {', '.join(missing)}")
    empty = [line for line in board if line.outcome not in _FINE]
    if empty:
        named = ", ".join(f"{line.line} {line.text} ({line.outcome})" for line in empty[:3])
        return Whole(Decision.HOLD, f"{len(empty)} of {len(LINES)} lines are open: {named}")
    return Whole(Decision.GO, "All three stages are GO, and all ten lines are filled.")
