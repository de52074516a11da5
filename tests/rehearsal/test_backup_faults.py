"""Faults of backups and of the drill turn their items and no other; without one all are green.

Restoring takes a second each time: faults that show before it are held to the items that do
not need it.
"""

from __future__ import annotations

import pytest

from pytest_chefrelease.rehearsal.faults import backup, drill, fault_named
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome
from tests.rehearsal.looking import labels, looked_at

READ = {"backup.fresh", "backup.complete", "backup.automatic"}
TRIED = {
    *READ,
    "backup.restores",
    "migrations.rehearsed",
    "migrations.from-scratch",
    "migrations.idempotent",
}
RESTORING = (*drill.FAULTS, *map(fault_named, ("backup-does-not-restore", "point-of-no-return")))
READING = tuple(fault for fault in backup.FAULTS if fault not in RESTORING)


def at(stack: Stack, stage: Stage) -> Stack:
    if stage is not Stage.PRERELEASE:
        stack.release()
    return stack


def assert_exactly(stack: Stack, fault: Fault, names: set[str]) -> None:
    results = looked_at(stack, fault.stage, lambda item: item.id in names)

    told = [(result.label, result.summary) for result in results]
    for outcome, blocking, expected in (
        (Outcome.FAILED, True, fault.red),
        (Outcome.FAILED, False, fault.warned),
        (Outcome.UNVERIFIED, None, fault.unverified),
    ):
        found = labels(results, outcome, blocking=blocking)
        assert found == sorted(names & set(expected)), told


@pytest.mark.parametrize("stage", [Stage.PRERELEASE, Stage.POSTRELEASE], ids=lambda s: s.value)
def test_without_a_fault_all_of_them_pass(stack: Stack, stage: Stage) -> None:
    results = looked_at(at(stack, stage), stage, lambda item: item.id in TRIED)

    assert [(r.label, r.summary) for r in results if r.outcome is not Outcome.PASSED] == []
    assert len(results) == (len(TRIED) if stage is Stage.PRERELEASE else 1)


@pytest.mark.parametrize("fault", READING, ids=lambda fault: fault.name)
def test_a_fault_that_reading_shows_turns_exactly_its_items(stack: Stack, fault: Fault) -> None:
    at(stack, fault.stage).apply(fault)

    assert_exactly(stack, fault, READ)


@pytest.mark.parametrize("fault", RESTORING, ids=lambda fault: fault.name)
def test_a_fault_that_trying_shows_turns_exactly_its_items(stack: Stack, fault: Fault) -> None:
    stack.apply(fault)

    assert_exactly(stack, fault, TRIED)
