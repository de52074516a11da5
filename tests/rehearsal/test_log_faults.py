"""Faults of the log turn its items and no other; near misses turn none.

The other rooms' checks run first, as in the gate, so that what they cause is in the log.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.engine import Task, run, timeout_of
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.probes.git import identify_release
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.rehearsal.faults import fault_named, logs
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.faults.logs import messages, requests
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.runbook.item import Stage, Symptom
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.response import Action
from pytest_chefrelease.settings.load import load_settings

BEFORE = ("health.endpoint", "smoke.endpoint", "preflight.rule", "secrets.not-served")
MINUTES_S = 120.0
"""A deploy of so long ago is one that a watch has gone on for a while."""
ITEMS = ("logs.no-5xx", "logs.auth-failures", "logs.error-patterns")
CAUSED_BY_PROBES = tuple(
    map(
        fault_named,
        (
            *("health-down", "health-empty", "health-service-down", "api-down", "api-errors"),
            *("endpoint-500", "maintenance-left-on"),
        ),
    )
)


ROLLED_BACK_FOR = {
    "log-5xx-above-five-percent": Symptom.SERVER_ERRORS,
    "log-5xx-of-unknown-cause": Symptom.CAUSE_UNKNOWN,
}


def looked_at(stack: Stack, stage: Stage, since_s: float | None = None) -> dict[str, Result]:
    """The log's results, after the others'; ``since_s`` says how long ago the deploy was."""
    path = stack.write_release_toml()
    told = {}
    if since_s is not None:
        at = datetime.now(UTC) - timedelta(seconds=since_s)
        told["CHEFRELEASE_RELEASE_DEPLOYED_AT"] = at.isoformat()
    settings = load_settings(path.parent, {}, told, path.name).settings
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

    def tasks(names: tuple[str, ...]) -> list[Task]:
        return [
            Task(check, parameter, timeout_of(check.item, settings))
            for check in map(catalogue().__getitem__, names)
            if stage in check.item.stages
            for parameter in check.parameters_for(settings, stage)
        ]

    async def go() -> list[Result]:
        try:
            if stage is Stage.POSTRELEASE:
                await asyncio.gather(*(run(task, look) for task in tasks(BEFORE)))
            return list(await asyncio.gather(*(run(task, look) for task in tasks(ITEMS))))
        finally:
            await look.probes.close()

    return {result.label: result for result in asyncio.run(go())}


def labels(results: dict[str, Result], outcome: Outcome) -> list[str]:
    return sorted(label for label, result in results.items() if result.outcome is outcome)


@pytest.mark.parametrize("stage", [Stage.POSTRELEASE, Stage.MONITORING])
def test_without_a_fault_the_log_is_well(released: Stack, stage: Stage) -> None:
    results = looked_at(released, stage, MINUTES_S if stage is Stage.MONITORING else None)

    assert labels(results, Outcome.PASSED) == sorted(results)
    facts = results["logs.no-5xx"].evidence
    assert facts is not None
    assert facts.facts["visitors_requests"] != 0
    if stage is Stage.POSTRELEASE:
        assert facts.facts["own_requests"] != 0


def test_a_log_that_is_read_from_loki_says_the_same(released: Stack) -> None:
    by_file = looked_at(released, Stage.MONITORING, MINUTES_S)
    released.read_logs_from_loki()

    results = looked_at(released, Stage.MONITORING, MINUTES_S)

    assert labels(results, Outcome.PASSED) == sorted(by_file)
    facts = [each["logs.no-5xx"].evidence for each in (results, by_file)]
    through_loki, through_file = (each.facts["requests"] for each in facts if each is not None)
    # Visitors go on while one is read after the other.
    assert isinstance(through_loki, int)
    assert isinstance(through_file, int)
    assert 0 < through_file <= through_loki < through_file * 2


@pytest.mark.parametrize("fault", [*logs.FAULTS, *CAUSED_BY_PROBES], ids=lambda fault: fault.name)
def test_a_fault_turns_exactly_its_items(stack: Stack, fault: Fault) -> None:
    stack.release()
    stack.apply(fault)

    is_watched = fault.stage is Stage.MONITORING and not fault.strikes_deploy
    results = looked_at(stack, fault.stage, MINUTES_S if is_watched else None)

    red = (*fault.red, *fault.warned)
    assert labels(results, Outcome.FAILED) == sorted(set(red) & set(ITEMS))
    assert labels(results, Outcome.UNVERIFIED) == sorted(set(fault.unverified) & set(ITEMS))
    is_rollback = fault in logs.FAULTS and fault.action is Action.ROLL_BACK
    symptoms = {result.symptom for result in results.values()} - {None}
    if is_rollback and "logs.no-5xx" in red:
        assert symptoms == {ROLLED_BACK_FOR[fault.name]}
    else:
        assert not symptoms & set(ROLLED_BACK_FOR.values())


NEAR_MISSES = {
    "a flood of 404": (Stage.POSTRELEASE, requests(400, "GET", "/wp-login.php", 404)),
    "words about 500 and errors": (
        Stage.POSTRELEASE,
        messages(["500 orders exported", "no error in 503 rows"], level=30),
    ),
    "refusals within ten times": (Stage.MONITORING, requests(4, "GET", "/auth/me", 401)),
    "a known error again": (
        Stage.MONITORING,
        messages(["printer kitchen-9 unreachable: connect EHOSTUNREACH 10.0.3.9:9"]),
    ),
    "403 is no failed login": (Stage.MONITORING, requests(300, "GET", "/finance", 403)),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_a_near_miss_turns_nothing(released: Stack, name: str) -> None:
    stage, effect = NEAR_MISSES[name]
    effect(released)

    results = looked_at(released, stage, MINUTES_S if stage is Stage.MONITORING else None)

    assert labels(results, Outcome.PASSED) == sorted(results)
