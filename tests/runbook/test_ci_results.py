"""What CI's results are worth for a required check: rules as a table, and as properties."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_chefrelease.runbook.ci_results import CheckResult, Required, Standing, judge

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def result(
    conclusion: str | None = "success",
    *,
    name: str = "build",
    state: str = "completed",
    minute: int | None = 0,
    app: int | None = 1,
    number: int = 1,
    is_status: bool = False,
) -> CheckResult:
    begun = None if minute is None else NOON + timedelta(minutes=minute)
    return CheckResult(name, state, conclusion, begun, begun, app, "CI", "", number, is_status)


def standing(
    *results: CheckResult, app: int | None = None, skipped: bool = True, neutral: bool = True
) -> Standing:
    required = Required("build", app)
    return judge(required, results, accept_skipped=skipped, accept_neutral=neutral).standing


@pytest.mark.parametrize(
    ("conclusion", "expected"),
    [
        ("success", Standing.SUCCEEDED),
        ("failure", Standing.UNSUCCESSFUL),
        ("error", Standing.UNSUCCESSFUL),
        ("cancelled", Standing.UNSUCCESSFUL),
        ("timed_out", Standing.UNSUCCESSFUL),
        ("action_required", Standing.UNSUCCESSFUL),
        ("stale", Standing.UNSUCCESSFUL),
        ("startup_failure", Standing.UNSUCCESSFUL),
        ("a word of next year", Standing.UNSUCCESSFUL),
        ("skipped", Standing.PASSED_OVER),
        ("neutral", Standing.PASSED_OVER),
    ],
)
def test_each_conclusion_has_its_worth(conclusion: str, expected: Standing) -> None:
    assert standing(result(conclusion)) is expected


@pytest.mark.parametrize("conclusion", ["skipped", "neutral"])
def test_skipped_and_neutral_can_be_refused(conclusion: str) -> None:
    assert standing(result(conclusion), skipped=False, neutral=False) is Standing.UNSUCCESSFUL


@pytest.mark.parametrize("state", ["queued", "in_progress", "waiting", "requested", "pending"])
def test_what_has_not_concluded_is_pending(state: str) -> None:
    assert standing(result(None, state=state)) is Standing.PENDING


def test_what_has_not_run_is_missing() -> None:
    assert standing() is Standing.MISSING
    assert standing(result(name="build (2)")) is Standing.MISSING


def test_the_newest_run_of_a_name_counts() -> None:
    old, new = result("failure", minute=0), result("success", minute=5)

    assert standing(old, new) is Standing.SUCCEEDED
    assert standing(result("success", minute=0), result("failure", minute=5)) is (
        Standing.UNSUCCESSFUL
    )


def test_a_run_that_waits_to_begin_is_newer_than_one_that_ended() -> None:
    waiting = result(None, state="queued", minute=None)

    assert standing(result("success", minute=9), waiting) is Standing.PENDING


def test_of_several_applications_the_worst_counts() -> None:
    assert standing(result("success", app=1), result("failure", app=2)) is Standing.UNSUCCESSFUL
    assert standing(result("failure", is_status=True, app=None), result()) is Standing.UNSUCCESSFUL


def test_a_requirement_of_one_application_is_met_by_it_alone() -> None:
    ours, other = result("success", app=1), result("failure", app=2)

    assert standing(ours, other, app=1) is Standing.SUCCEEDED
    assert standing(other, app=1) is Standing.MISSING


results_of_any_kind = st.builds(
    result,
    st.sampled_from(["success", "failure", "skipped", "cancelled", None]),
    state=st.sampled_from(["completed", "queued"]),
    minute=st.integers(0, 9),
    app=st.integers(1, 3),
    number=st.integers(1, 99),
)


@given(st.lists(results_of_any_kind, unique_by=lambda r: (r.app_id, r.order)), st.randoms())
def test_the_order_in_which_results_come_does_not_matter(
    results: list[CheckResult], random: Random
) -> None:
    shuffled = random.sample(results, len(results))

    assert standing(*results) is standing(*shuffled)


@given(st.lists(results_of_any_kind))
def test_nothing_is_good_without_a_success_or_an_accepted_conclusion(
    results: list[CheckResult],
) -> None:
    if standing(*results, skipped=False).is_good:
        assert any(one.conclusion == "success" for one in results)


@given(st.lists(results_of_any_kind))
def test_a_newest_failure_is_never_good(results: list[CheckResult]) -> None:
    failure = result("failure", minute=10, number=100)

    assert not standing(*results, failure).is_good
