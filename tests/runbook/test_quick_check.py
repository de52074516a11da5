"""The ten lines: each takes the gravest of what was seen, over all stages."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_chefrelease.runbook.quick_check import LINES, Line, LineEvidence, fill

OUTCOMES = ["failed", "unverified", "waived", "passed", "not-applicable"]


def seen(outcome: str, *, line: int = 8, at: int = 1, blocking: bool = True) -> LineEvidence:
    return LineEvidence(line, outcome, "postrelease", f"2026-11-24T10:{at:02}:00+00:00", blocking)


def line_of(*evidence: LineEvidence, number: int = 8) -> Line:
    return fill(evidence)[number - 1]


def test_the_lines_are_the_runbooks_ten() -> None:
    assert [line.line for line in fill([])] == list(range(1, 11))
    assert [line.text for line in fill([])] == list(LINES)
    assert {line.outcome for line in fill([])} == {"pending"}


@pytest.mark.parametrize("graver", range(len(OUTCOMES)))
@pytest.mark.parametrize("milder", range(len(OUTCOMES)))
def test_a_line_takes_the_gravest_outcome(graver: int, milder: int) -> None:
    expected = OUTCOMES[min(graver, milder)]

    assert line_of(seen(OUTCOMES[milder]), seen(OUTCOMES[graver])).outcome == expected


def test_only_the_line_that_is_spoken_of_is_filled() -> None:
    board = fill([seen("passed", line=3)])

    assert [line.line for line in board if line.outcome != "pending"] == [3]


def test_a_line_names_when_and_in_which_stage_its_outcome_was_last_seen() -> None:
    line = line_of(seen("failed", at=2), seen("failed", at=5), seen("passed", at=9))

    assert (line.outcome, line.stage, line.observed_at) == (
        "failed",
        "postrelease",
        "2026-11-24T10:05:00+00:00",
    )


@pytest.mark.parametrize(
    ("advisory", "outcome"),
    [("failed", "unverified"), ("unverified", "unverified"), ("passed", "passed")],
)
def test_advisory_evidence_alone_makes_no_line_red(advisory: str, outcome: str) -> None:
    assert line_of(seen(advisory, blocking=False)).outcome == outcome


@pytest.mark.parametrize("advisory", OUTCOMES)
@pytest.mark.parametrize("blocking", OUTCOMES)
def test_advisory_evidence_beside_blocking_evidence_decides_nothing(
    advisory: str, blocking: str
) -> None:
    assert line_of(seen(advisory, blocking=False), seen(blocking)).outcome == blocking


@pytest.mark.parametrize("outcome", ["shadow", "unheard-of"])
def test_what_does_not_count_fills_nothing(outcome: str) -> None:
    assert line_of(seen(outcome)).outcome == "pending"


evidence = st.lists(
    st.builds(
        LineEvidence,
        line=st.integers(-1, 12),
        outcome=st.sampled_from([*OUTCOMES, "shadow"]),
        stage=st.sampled_from(["prerelease", "postrelease"]),
        observed_at=st.integers(10, 59).map("2026-11-24T10:{}:00+00:00".format),
        blocking=st.booleans(),
    ),
    unique_by=lambda e: (e.line, e.observed_at),
)


@given(evidence, st.randoms(use_true_random=False))
def test_the_order_of_evidence_changes_nothing(
    some: list[LineEvidence], random_: random.Random
) -> None:
    shuffled = list(some)
    random_.shuffle(shuffled)

    assert fill(some) == fill(shuffled)


@given(evidence)
def test_a_ticked_line_has_seen_a_pass_and_no_blocking_failure(some: list[LineEvidence]) -> None:
    for line in fill(some):
        open_before_deploy = line.line in (6, 7, 8)
        here = [e for e in some if e.line == line.line]
        here = [e for e in here if e.stage != "prerelease" or not open_before_deploy]
        if line.outcome == "passed":
            assert any(e.outcome == "passed" for e in here)
            assert not any(e.blocking and e.outcome in ("failed", "unverified") for e in here)


def test_what_was_seen_before_the_deploy_leaves_the_lines_after_it_open() -> None:
    lines = fill([LineEvidence(line, "passed", "prerelease", "2026-11-24") for line in (5, 7)])
    assert lines[4].outcome == "passed"
    assert lines[6].outcome == "pending"
