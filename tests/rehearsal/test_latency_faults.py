"""Faults of latency that only warn or hold turn their item; others go through the whole gate."""

from __future__ import annotations

import pytest

from pytest_chefrelease.rehearsal.faults import fault_named
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome
from tests.rehearsal.looking import labels, looked_at

HELD = ("prometheus-disagrees", "locust-disagrees", "locust-stale")


@pytest.mark.parametrize("name", ["latency-regression", "latency-unsteady", *HELD])
def test_a_fault_warns_of_or_holds_exactly_its_items(stack: Stack, name: str) -> None:
    fault = fault_named(name)
    if fault.stage is not Stage.PRERELEASE:
        stack.release()
    stack.apply(fault)

    results = looked_at(stack, fault.stage, lambda item: item.room == "latency")

    assert labels(results, Outcome.FAILED) == sorted(fault.warned), results
    assert labels(results, Outcome.UNVERIFIED) == sorted(fault.unverified)
