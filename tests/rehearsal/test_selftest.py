"""The self-test tells a check that sees its defect from one that is blind to it."""

from __future__ import annotations

import pytest

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.rehearsal import selftest
from pytest_chefrelease.rehearsal.faults import fault_named
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.selftest import NOT_SHOWN, Sight, Twin, look_at_twins, twins
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome

HARMLESS = Fault(
    "harmless", "Nothing is wrong", Stage.POSTRELEASE, lambda stack: None, red=("health.endpoint",)
)


def test_every_item_has_a_twin() -> None:
    chosen, without = twins()

    assert without == ()
    shown = [twin.item_id for twin in chosen]
    assert sorted((*shown, *NOT_SHOWN)) == sorted(catalogue())


def test_an_item_without_a_fault_is_told() -> None:
    assert twins(["health.endpoint"], faults=()) == ((), ("health.endpoint",))


def test_a_check_that_sees_its_defect_is_told_from_a_blind_one(stack: Stack) -> None:
    seeing = Twin("health.endpoint", fault_named("health-degraded"), Outcome.FAILED)
    blind = Twin("health.endpoint", HARMLESS, Outcome.FAILED)
    told: list[Sight] = []

    sights = look_at_twins(stack, [seeing, blind], told.append)

    assert [sight.is_blind for sight in sights] == [False, True]
    assert tuple(told) == sights
    assert sights[1].result is not None
    assert sights[1].result.outcome is Outcome.PASSED


def test_a_check_that_does_not_run_is_blind() -> None:
    twin = Twin("health.endpoint", HARMLESS, Outcome.FAILED)

    assert Sight(twin, None, 0.0).is_blind


def test_an_unknown_item_is_told_before_anything_starts() -> None:
    with pytest.raises(SettingsError, match=r'did you mean "health.endpoint"'):
        selftest.run(["heath.endpoint"], print)
