"""Faults of repository, CI, environment, deployment and rollback turn their items and no other.

The checks of those rooms run against the stack, without pytest around them and without a
browser; others go through the whole gate in test_whole_gate.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pytest_chefrelease.rehearsal.faults import (
    alerts,
    ci,
    deploy,
    env,
    incident,
    metrics,
    release,
    rollback,
    sentry,
    version,
    world,
)
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.runbook.item import Item, Stage
from pytest_chefrelease.runbook.outcome import Outcome
from tests.rehearsal.looking import labels, looked_at

FAULTS = (
    *ci.FAULTS,
    *version.FAULTS,
    *release.FAULTS,
    *env.FAULTS,
    *deploy.FAULTS,
    *rollback.FAULTS,
    *world.FAULTS,
    *sentry.FAULTS,
    *alerts.FAULTS,
    *incident.FAULTS,
    *metrics.FAULTS,
)
ROOMS = {
    "ci",
    "deploy",
    "env",
    "rollback",
    "version",
    "release",
    "world",
    "sentry",
    "alerts",
    "incident",
}
OTHERS = {"staging.ui-spot-check"}


def is_of_these(item: Item) -> bool:
    return item.room in ROOMS or item.id in OTHERS


def at(stack: Stack, stage: Stage) -> Stack:
    if stage is not Stage.PRERELEASE:
        stack.release()
    return stack


@pytest.mark.parametrize("stage", list(Stage), ids=lambda stage: stage.value)
def test_without_a_fault_none_of_them_is_red_or_open(stack: Stack, stage: Stage) -> None:
    results = looked_at(at(stack, stage), stage, is_of_these)

    assert [
        (result.label, result.summary)
        for result in results
        if result.outcome in (Outcome.FAILED, Outcome.UNVERIFIED)
    ] == []
    assert labels(results, Outcome.PASSED) != []


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file with its content's digest, the repository's own included."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_looking_leaves_the_repository_and_its_origin_as_they_were(stack: Stack) -> None:
    folders = (stack.repository.path, stack.repository.origin)
    before = [fingerprint(folder) for folder in folders]

    looked_at(stack, Stage.PRERELEASE, is_of_these)

    assert [fingerprint(folder) for folder in folders] == before


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_turns_exactly_its_items(stack: Stack, fault: Fault) -> None:
    at(stack, fault.stage).apply(fault)

    results = looked_at(stack, fault.stage, is_of_these)

    assert labels(results, Outcome.FAILED, blocking=True) == here(fault.red)
    assert labels(results, Outcome.FAILED, blocking=False) == here(fault.warned)
    assert labels(results, Outcome.UNVERIFIED) == here(fault.unverified)


def here(names: tuple[str, ...]) -> list[str]:
    """What a fault does to other rooms is seen only by the whole gate."""
    return sorted(name for name in names if name in OTHERS or name.partition(".")[0] in ROOMS)
