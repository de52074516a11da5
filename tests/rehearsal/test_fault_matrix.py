"""A fault of each item, given to the stack, makes the gate say exactly what it expects."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pytest_chefrelease.rehearsal import walk
from pytest_chefrelease.rehearsal.faults import fault_named
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.runbook.item import Stage

# One fault for each item, through the whole gate: a stage with its browser takes seconds, so
# the other faults are held to their items one check at a time, beside the checks.
CHOSEN = tuple(
    map(
        fault_named,
        (
            "ci-failed-on-second-page",
            "secret-missing",
            "secret-placeholder",
            "secret-in-repository",
            "failed-migration",
            "health-wrong-version",
            "route-error-page",
            "missing-chunk",
            "latency-tail",
        ),
    )
)


# What the gate says of the machine that it runs on is no finding about the fault.
TOO_BUSY = "the prober itself was late"
TRIES = 3


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


class _Report(msgspec.Struct):
    verdict: str
    response: _Response
    items: list[_Item]

    def labels(self, outcome: str) -> list[str]:
        return sorted(item.label for item in self.items if item.outcome == outcome)


def gate(stack: Stack, stage: Stage, reports: Path) -> tuple[int, _Report]:
    """A run of the stage; once more where this machine kept the prober from its schedule."""
    for _ in range(TRIES):
        code = walk.run_stage(stack, stage, reports)
        path = reports / f"{stage.value}.json"
        report = msgspec.json.decode(path.read_bytes(), type=_Report)
        if not any(TOO_BUSY in item.summary for item in report.items):
            return code, report
    pytest.fail(f"the machine was too busy to measure latency, {TRIES} times")


def at(stack: Stack, stage: Stage) -> Stack:
    if stage is not Stage.PRERELEASE:
        stack.release()
    return stack


@pytest.mark.parametrize("stage", list(Stage), ids=lambda stage: stage.value)
def test_without_a_fault_every_stage_is_go(stack: Stack, tmp_path: Path, stage: Stage) -> None:
    code, report = gate(at(stack, stage), stage, tmp_path)

    assert (report.labels("failed"), report.labels("unverified")) == ([], [])
    assert (code, report.verdict, report.response.action) == (0, "GO", "proceed")


@pytest.mark.parametrize("fault", CHOSEN, ids=lambda fault: fault.name)
def test_a_fault_turns_exactly_its_items(stack: Stack, tmp_path: Path, fault: Fault) -> None:
    at(stack, fault.stage).apply(fault)

    code, report = gate(stack, fault.stage, tmp_path)

    assert report.labels("failed") == sorted((*fault.red, *fault.warned))
    assert report.labels("unverified") == sorted(fault.unverified)
    assert (report.verdict, report.response.action) == (fault.verdict.value, fault.action.value)
    assert code == 1
