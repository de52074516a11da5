"""Faults of repository, CI, environment, deployment and rollback turn their items and no other.

The checks of those rooms run against the stack, without pytest around them and without a
browser; other faults are held to the whole gate in test_fault_matrix.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.engine import Task, run, timeout_of
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.probes.git import identify_release
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.rehearsal.faults import ci, deploy, env, release, rollback, version, world
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.settings.load import load_settings

FAULTS = (
    *ci.FAULTS,
    *version.FAULTS,
    *release.FAULTS,
    *env.FAULTS,
    *deploy.FAULTS,
    *rollback.FAULTS,
    *world.FAULTS,
)
ROOMS = {"ci", "deploy", "env", "rollback", "version", "release", "world"}
OTHERS = {"staging.ui-spot-check"}


def looked_at(stack: Stack, stage: Stage) -> list[Result]:
    """The results of these rooms' checks in a stage, as the gate gets them."""
    path = stack.write_release_toml()
    settings = load_settings(path.parent, {}, {}, path.name).settings
    repository = stack.repository.path
    look = Context(
        settings=settings,
        release=identify_release(settings, repository),
        stage=stage,
        repository=repository,
        probes=Probes(settings, repository),
        once=Once(),
        environment=stack.environment,
    )
    tasks = [
        Task(check, parameter, timeout_of(check.item, settings))
        for name, check in catalogue().items()
        if (check.item.room in ROOMS or name in OTHERS) and stage in check.item.stages
        for parameter in check.parameters_for(settings, stage)
    ]

    async def go() -> list[Result]:
        try:
            return list(await asyncio.gather(*(run(task, look) for task in tasks)))
        finally:
            await look.probes.close()

    return asyncio.run(go())


def labels(results: list[Result], outcome: Outcome, *, blocking: bool | None = None) -> list[str]:
    return sorted(
        result.label
        for result in results
        if result.outcome is outcome and blocking in (None, result.blocking)
    )


def at(stack: Stack, stage: Stage) -> Stack:
    if stage is not Stage.PRERELEASE:
        stack.release()
    return stack


@pytest.mark.parametrize("stage", list(Stage), ids=lambda stage: stage.value)
def test_without_a_fault_none_of_them_is_red_or_open(stack: Stack, stage: Stage) -> None:
    results = looked_at(at(stack, stage), stage)

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

    looked_at(stack, Stage.PRERELEASE)

    assert [fingerprint(folder) for folder in folders] == before


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_turns_exactly_its_items(stack: Stack, fault: Fault) -> None:
    at(stack, fault.stage).apply(fault)

    results = looked_at(stack, fault.stage)

    assert labels(results, Outcome.FAILED, blocking=True) == sorted(fault.red)
    assert labels(results, Outcome.FAILED, blocking=False) == sorted(fault.warned)
    # What a fault leaves open in other rooms is seen only by the whole gate.
    here = [name for name in fault.unverified if name in OTHERS or name.partition(".")[0] in ROOMS]
    assert labels(results, Outcome.UNVERIFIED) == sorted(here)
