"""Faults of migrations and databases turn their items and no other of these."""

from __future__ import annotations

import re
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


OURS = re.compile(
    r"^(?P<at>\S+ \S+) UTC \[(?P<pid>\d+)\] user=\S* db=(?P<database>\S*) app=chefrelease "
    r"LOG:  (?:statement|execute [^:]*): (?P<said>.*)$"
)
READS = re.compile(r"\s*(BEGIN ISOLATION LEVEL \w+ READ READ ONLY|SET LOCAL|SELECT|ROLLBACK)")


@pytest.mark.parametrize("stage", [Stage.PRERELEASE, Stage.POSTRELEASE])
def test_a_stage_reads_by_two_connections_at_most_and_each_within_five_seconds(
    stack: Stack, stage: Stage
) -> None:
    if stage is not Stage.PRERELEASE:
        stack.release()
    before = stack.database_log.stat().st_size

    looked_at(stack, stage, lambda item: item.id in {*ITEMS, "version.coherence"})

    log = stack.database_log.read_bytes()[before:].decode(errors="replace")
    sessions: dict[tuple[str, str], list[tuple[str, str]]] = {}
    # A statement of several lines goes on behind tabs.
    for found in filter(None, map(OURS.match, log.replace("\n\t", " ").splitlines())):
        session = sessions.setdefault((found["database"], found["pid"]), [])
        session.append((found["at"], found["said"]))
    assert len(sessions) >= 2
    for said in sessions.values():
        assert [text for _, text in said if not READS.match(text)] == []
        assert said[0][1].startswith("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        assert said[1][1] == "SET LOCAL statement_timeout = '5s'"
        assert said[-1][1] == "ROLLBACK"
    for name, _ in sessions:
        spans = [(s[0][0], s[-1][0]) for (other, _), s in sessions.items() if other == name]
        assert max(sum(a <= at <= b for a, b in spans) for at, _ in spans) <= 2
