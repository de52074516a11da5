"""Faults, given to the stack, make the whole gate say exactly what they expect."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from pytest_chefrelease.rehearsal import walk
from pytest_chefrelease.rehearsal.faults import fault_named
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.runbook.item import Stage

# Through the whole gate a stage with its browser takes seconds, so faults that do not touch each
# other are put in together; each fault alone is held to its items check by check, beside them.
TOGETHER = {
    Stage.PRERELEASE: (
        "ci-failed-on-second-page",
        "secret-missing",
        "secret-placeholder",
    ),
    Stage.POSTRELEASE: (
        "health-wrong-version",
        "route-error-page",
        "missing-chunk",
        "latency-tail",
    ),
    Stage.MONITORING: (
        "watch-asleep",
        "alert-firing-in-watch",
        "sentry-regressed",
    ),
}


# What the gate says of the machine that it runs on is no finding about the fault.
TOO_BUSY = "the prober itself was late"
TRIES = 3
# So much of a log tells whether refusals jump; a short watch has no time to wait for it.
TELLING_S = 5.0


pytestmark = pytest.mark.alone


class _Response(msgspec.Struct):
    action: str


class _Item(msgspec.Struct):
    id: str
    parameter: str | None
    outcome: str
    summary: str

    @property
    def label(self) -> str:
        return f"{self.id}[{self.parameter}]" if self.parameter else self.id


class Report(msgspec.Struct):
    verdict: str
    response: _Response
    items: list[_Item]

    @property
    def was_too_busy(self) -> bool:
        """Whether the machine that it runs on kept the prober from its schedule."""
        return any(TOO_BUSY in item.summary for item in self.items)

    def labels(self, outcome: str) -> list[str]:
        return sorted(item.label for item in self.items if item.outcome == outcome)


def gate(stack: Stack, stage: Stage, reports: Path) -> tuple[int, Report]:
    """A run of the stage; once more where this machine kept the prober from its schedule."""
    for _ in range(TRIES):
        code = walk.run_stage(stack, stage, reports)
        path = reports / f"{stage.value}.json"
        report = msgspec.json.decode(path.read_bytes(), type=Report)
        if not report.was_too_busy:
            return code, report
    pytest.fail(f"the machine was too busy to measure latency, {TRIES} times")


def at(stack: Stack, stage: Stage) -> Stack:
    if stage is not Stage.PRERELEASE:
        stack.release()
    if stage is Stage.MONITORING:
        time.sleep(TELLING_S)
    return stack


@pytest.mark.parametrize("stage", TOGETHER, ids=lambda stage: stage.value)
def test_faults_turn_exactly_their_items(stack: Stack, tmp_path: Path, stage: Stage) -> None:
    faults = [fault_named(name) for name in TOGETHER[stage]]
    at(stack, stage)
    for fault in faults:
        stack.apply(fault)

    code, report = gate(stack, stage, tmp_path)

    failed = {label for fault in faults for label in (*fault.red, *fault.warned)}
    unverified = {label for fault in faults for label in fault.unverified} - failed
    assert report.labels("failed") == sorted(failed)
    assert report.labels("unverified") == sorted(unverified)
    actions = {fault.action.value for fault in faults}
    assert (code, report.verdict) == (1, "NO-GO")
    assert report.response.action in actions
