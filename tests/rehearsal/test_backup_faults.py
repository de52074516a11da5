"""Faults of backups turn their items and no other; without one all of them are green.

Restoring takes a second each time: the faults that show before it are held to the items that
do not need it.
"""

from __future__ import annotations

import pytest

from pytest_chefrelease.rehearsal.faults import backup
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome
from tests.rehearsal.looking import labels, looked_at


def at(stack: Stack, stage: Stage) -> Stack:
    if stage is not Stage.PRERELEASE:
        stack.release()
    return stack


READ = {"backup.fresh", "backup.complete"}
TRIED = {"backup.restores"}


@pytest.mark.parametrize("stage", [Stage.PRERELEASE, Stage.POSTRELEASE], ids=lambda s: s.value)
def test_without_a_fault_none_is_red_or_open(stack: Stack, stage: Stage) -> None:
    results = looked_at(at(stack, stage), stage, lambda item: item.id in READ | TRIED)

    assert [
        (result.label, result.summary) for result in results if result.outcome is not Outcome.PASSED
    ] == []
    assert len(results) == (3 if stage is Stage.PRERELEASE else 1)


@pytest.mark.parametrize("fault", backup.FAULTS, ids=lambda fault: fault.name)
def test_a_fault_turns_exactly_its_items(stack: Stack, fault: Fault) -> None:
    at(stack, fault.stage).apply(fault)

    results = looked_at(stack, fault.stage, lambda item: item.id in READ)

    for outcome, expected in (
        (Outcome.FAILED, fault.red),
        (Outcome.UNVERIFIED, fault.unverified),
    ):
        assert labels(results, outcome) == sorted(READ & set(expected))
