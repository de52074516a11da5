"""The verdict: what can never be GO, and what its sentence says."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pytest_chefrelease.runbook.item import Severity, Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.response import Deployment, respond
from pytest_chefrelease.runbook.verdict import Decision, Run, decide
from tests.runbook.making import result, results, runs

PASSED = result(Outcome.PASSED, "a.passed")
FAILED = result(Outcome.FAILED, "a.failed")
UNVERIFIED = result(Outcome.UNVERIFIED, "a.unverified")
WAIVED = result(Outcome.WAIVED, "a.waived")


@given(runs, results, st.sampled_from(Severity))
def test_a_blocking_failure_is_never_go(run: Run, some: list[Result], severity: Severity) -> None:
    verdict = decide(run, [*some, result(Outcome.FAILED, "z.bad", severity)])

    assert verdict.decision is Decision.NO_GO
    assert verdict.to_go != ""


@given(runs, results)
def test_an_unverified_blocking_item_is_go_only_where_allowed_and_then_counted(
    run: Run, some: list[Result]
) -> None:
    some = [*some, UNVERIFIED]

    verdict = decide(run, some)

    if verdict.is_go:
        held = sum(r.blocking and r.outcome is Outcome.UNVERIFIED for r in some)
        assert run.allow_unverified
        assert f"{held} unverified allowed" in verdict.sentence


@given(runs, results, st.randoms(use_true_random=False))
def test_the_order_of_results_changes_neither_verdict_nor_response(
    run: Run, some: list[Result], random_: random.Random
) -> None:
    shuffled = list(some)
    random_.shuffle(shuffled)
    fly = Deployment("fly", ("api",), "v1")

    first, second = decide(run, some), decide(run, shuffled)

    assert first == second
    assert respond(run.stage, first, some, fly) == respond(run.stage, second, shuffled, fly)


@given(runs, results)
def test_go_is_told_by_the_sentence_and_needs_nothing_more(run: Run, some: list[Result]) -> None:
    verdict = decide(run, some)

    assert verdict.is_go == verdict.sentence.startswith("GO")
    assert verdict.is_go == (verdict.to_go == "")
    assert verdict.sentence.endswith((".", "!", "?"))


@given(runs.filter(lambda run: run.left_out), results)
def test_a_partial_run_is_never_go(run: Run, some: list[Result]) -> None:
    assert not decide(run, some).is_go


@given(runs.filter(lambda run: run.interrupted), results)
def test_an_interrupted_run_is_never_go_and_an_interrupted_watch_is_no_go(
    run: Run, some: list[Result]
) -> None:
    verdict = decide(run, some)

    assert not verdict.is_go
    assert verdict.decision is Decision.NO_GO or run.stage is not Stage.MONITORING


@given(runs.filter(lambda run: run.foreign_failures), results)
def test_a_failed_test_of_another_kind_in_the_stage_is_no_go(run: Run, some: list[Result]) -> None:
    assert decide(run, some).decision is Decision.NO_GO


@given(
    runs,
    results.map(lambda some: [r for r in some if not (r.blocking and r.outcome == "passed")]),
)
def test_where_no_blocking_item_passed_there_is_no_go(run: Run, some: list[Result]) -> None:
    assert not decide(run, some).is_go


@given(runs, results)
def test_more_waivers_than_the_limit_are_never_go(run: Run, some: list[Result]) -> None:
    waived = sum(r.outcome is Outcome.WAIVED for r in some)

    if run.waiver_limit is not None and waived > run.waiver_limit:
        assert not decide(run, some).is_go


@given(runs, results)
def test_what_does_not_count_never_makes_it_worse(run: Run, some: list[Result]) -> None:
    advisory = result(Outcome.FAILED, "b.advisory", Severity.P1, blocking=False)
    shadow = result(Outcome.SHADOW, "b.shadow", Severity.P1)

    assert decide(run, [*some, advisory, shadow]).decision is decide(run, some).decision


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize(
    ("some", "change", "decision", "sentence"),
    [
        ([PASSED], {}, "GO", "GO: 1 check passed, none blocks."),
        ([], {}, "HOLD", "Nothing was verified: no blocking item passed."),
        ([replace(PASSED, blocking=False)], {}, "HOLD",
         "Nothing was verified: no blocking item passed."),
        ([WAIVED, replace(PASSED, outcome=Outcome.NOT_APPLICABLE)], {}, "HOLD",
         "Nothing was verified: no blocking item passed."),
        ([PASSED], {"left_out": 1}, "HOLD",
         "The run is partial: 1 blocking check of this stage left out."),
        ([PASSED], {"left_out": 3}, "HOLD",
         "The run is partial: 3 blocking checks of this stage left out."),
        ([PASSED, UNVERIFIED], {}, "HOLD", "a.unverified could not be verified: as it was seen."),
        ([PASSED, UNVERIFIED, replace(UNVERIFIED, parameter="x")], {}, "HOLD",
         "a.unverified could not be verified: as it was seen. 1 more unverified."),
        ([PASSED, UNVERIFIED], {"allow_unverified": True}, "GO",
         "GO with 1 unverified allowed: 1 check passed, none blocks."),
        ([PASSED, WAIVED, WAIVED, UNVERIFIED], {"allow_unverified": True}, "GO",
         "GO with 2 waivers and 1 unverified allowed: 1 check passed, none blocks."),
        ([PASSED, WAIVED], {"waiver_limit": 1}, "GO",
         "GO with 1 waiver: 1 check passed, none blocks."),
        ([PASSED, WAIVED, WAIVED], {"waiver_limit": 1}, "HOLD", "2 waivers, at most 1 allowed."),
        ([PASSED], {"missing": "shard 2 of 5"}, "HOLD",
         "The evidence is not whole: shard 2 of 5 is missing."),
        ([PASSED, replace(FAILED, blocking=False), replace(PASSED, blocking=False)], {}, "GO",
         "GO with 1 warning: 2 checks passed, none blocks."),
        ([PASSED, replace(FAILED, blocking=False)], {}, "GO",
         "GO with 1 warning: 1 check passed, none blocks."),
        ([PASSED, FAILED], {}, "NO-GO", "a.failed failed (P2): as it was seen."),
        ([PASSED, FAILED, FAILED, replace(FAILED, severity=Severity.P1)], {}, "NO-GO",
         "a.failed failed (P1): as it was seen. 2 more blocking failures."),
        ([PASSED, FAILED, FAILED], {}, "NO-GO",
         "a.failed failed (P2): as it was seen. 1 more blocking failure."),
        ([PASSED, replace(FAILED, summary="Is it there?")], {}, "NO-GO",
         "a.failed failed (P2): Is it there?"),
        ([PASSED, replace(FAILED, summary="It is not!")], {}, "NO-GO",
         "a.failed failed (P2): It is not!"),
        ([PASSED], {"foreign_failures": 1}, "NO-GO",
         "1 selected test failed beside the runbook's items."),
    ],
)  # fmt: skip
def test_the_sentence_says_why(
    stage: Stage, some: list[Result], change: dict[str, int], decision: str, sentence: str
) -> None:
    verdict = decide(replace(Run(stage), **change), some)

    assert (verdict.decision, verdict.sentence) == (decision, sentence)


@pytest.mark.parametrize(
    ("stage", "decision", "sentence"),
    [
        (Stage.PRERELEASE, "HOLD", "The run was not completed: it was interrupted."),
        (Stage.POSTRELEASE, "HOLD", "The run was not completed: it was interrupted."),
        (Stage.MONITORING, "NO-GO", "The watch was not completed: it was interrupted."),
    ],
)
def test_an_interruption_is_told(stage: Stage, decision: str, sentence: str) -> None:
    verdict = decide(Run(stage, interrupted="it was interrupted"), [PASSED])

    assert (verdict.decision, verdict.sentence) == (decision, sentence)


def test_what_would_make_it_go_names_each_remedy_once_the_gravest_first() -> None:
    some = [
        result(Outcome.FAILED, f"a.{name}", severity, parameter=parameter)
        for name, severity, parameter in (
            ("third", Severity.P3, None),
            ("first", Severity.P1, "x"),
            ("first", Severity.P1, "y"),
            ("second", Severity.P2, None),
            ("last", Severity.P3, None),
        )
    ]

    to_go = decide(Run(Stage.POSTRELEASE), some).to_go

    assert to_go == "Mend a.first. Mend a.second. Mend a.last. And 1 more remedy."


@pytest.mark.parametrize(
    ("some", "change", "to_go"),
    [
        ([PASSED], {}, ""),
        ([PASSED, UNVERIFIED], {}, "Mend a.unverified."),
        ([PASSED, *(result(Outcome.FAILED, f"a.{name}") for name in "xyz")], {},
         "Mend a.x. Mend a.y. Mend a.z."),
        ([PASSED, *(result(Outcome.FAILED, f"a.{name}") for name in "vwxyz")], {},
         "Mend a.v. Mend a.w. Mend a.x. And 2 more remedies."),
        ([PASSED], {"foreign_failures": 1}, "Mend them."),
        ([PASSED], {"missing": "shard 2"}, "Run what is missing, then merge again."),
        ([PASSED], {"interrupted": "it was"}, "Run the whole stage."),
        ([PASSED], {"interrupted": "it was", "stage": Stage.MONITORING},
         "Run the watch for its full time."),
        ([PASSED], {"left_out": 1}, "Run the whole stage without a selection."),
        ([PASSED, WAIVED], {"waiver_limit": 0}, "Mend waived items until the number fits."),
        ([], {}, "Configure the sources of this stage's items."),
    ],
)  # fmt: skip
def test_the_least_that_would_make_it_go_is_told(
    some: list[Result], change: dict[str, object], to_go: str
) -> None:
    assert decide(replace(Run(Stage.POSTRELEASE), **change), some).to_go == to_go
