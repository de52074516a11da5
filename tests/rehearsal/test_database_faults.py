"""Faults of migrations and databases turn their items and no other of these."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_chefrelease.checks.watching import Watch
from pytest_chefrelease.rehearsal.faults import database, migrations, redis
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.runbook.item import Item, Stage
from pytest_chefrelease.runbook.outcome import Outcome
from tests.rehearsal.looking import labels, looked_at

ITEMS = {
    "migrations.status",
    "migrations.tested-on-staging",
    "migrations.safe",
    "database.connections",
    "redis.ping",
}
FAULTS = tuple(
    fault
    for fault in (*migrations.FAULTS, *database.FAULTS, *redis.FAULTS)
    if ITEMS & set(fault.items)
)
WATCHED = {"database.connections", "redis.ping"}
WATCHED_S = 6.0


def is_of_these(item: Item) -> bool:
    return item.id in ITEMS


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_turns_exactly_its_items(stack: Stack, fault: Fault) -> None:
    if fault.stage is not Stage.PRERELEASE:
        stack.release()
    with ThreadPoolExecutor(1) as beside:
        striking = beside.submit(stack.apply, fault)
        if fault.stage is not Stage.MONITORING:
            striking.result()

        results = looked_at(stack, fault.stage, is_of_these, watch_of(fault.stage))

    assert labels(results, Outcome.FAILED) == sorted(ITEMS & set(fault.red))
    assert labels(results, Outcome.UNVERIFIED) == sorted(ITEMS & set(fault.unverified))


def watch_of(stage: Stage) -> Watch | None:
    return Watch(WATCHED_S, WATCHED_S / 12) if stage is Stage.MONITORING else None


def test_without_a_fault_what_is_pending_is_tried_and_safe(stack: Stack) -> None:
    results = looked_at(stack, Stage.PRERELEASE, is_of_these)

    assert labels(results, Outcome.PASSED) == sorted(ITEMS - WATCHED)


def test_without_a_fault_connections_are_stable_over_a_watch(stack: Stack) -> None:
    stack.release()

    results = looked_at(stack, Stage.MONITORING, is_of_these, watch_of(Stage.MONITORING))

    assert labels(results, Outcome.PASSED) == sorted(WATCHED)
