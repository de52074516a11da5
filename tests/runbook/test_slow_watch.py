"""P95 over a watch: when slowness is certain, when it has passed, and how often that is wrong."""

from __future__ import annotations

import random
from statistics import median

import pytest

from pytest_chefrelease.runbook.p95 import Judgement, bounds
from pytest_chefrelease.runbook.slow_watch import ERROR, Following, at_end, judge

REQUESTS, LENGTH_S = 3_000, 900.0


def watched(chance: random.Random, *shares: float) -> list[bool]:
    """A watch in equal parts, each with its share of requests over the limit."""
    size = REQUESTS // len(shares)
    return [chance.random() < share for share in shares for _ in range(size)]


def test_at_exactly_the_limit_at_most_2_percent_of_watches_fail() -> None:
    chance = random.Random(1)

    failed = [
        judge(watched(chance, 0.05), REQUESTS, 1, LENGTH_S).judgement is Judgement.OVER
        for _ in range(300)
    ]

    assert sum(failed) <= ERROR * len(failed) + 4  # four more by chance


def test_a_doubling_five_minutes_into_it_is_found_in_a_median_below_five_minutes() -> None:
    chance = random.Random(2)
    took_s = []
    for _ in range(60):
        found_at = judge(watched(chance, 0.05, 0.10, 0.10), REQUESTS, 1, LENGTH_S).found_at
        took_s.append(600.0 if found_at is None else (found_at - 1_000) * LENGTH_S / REQUESTS)

    assert median(took_s) < 300


def test_a_pass_needs_the_whole_watch() -> None:
    well = [False] * REQUESTS

    assert judge(well, REQUESTS, 1, LENGTH_S).judgement is Judgement.UNDER
    assert judge(well[:-1], REQUESTS, 1, LENGTH_S).judgement is Judgement.UNDECIDED


def test_slowness_that_is_certain_fails_a_watch_that_was_cut_short() -> None:
    slow = [turn % 5 == 0 for turn in range(400)]

    assert judge(slow, REQUESTS, 1, LENGTH_S).judgement is Judgement.OVER


def test_slowness_that_passed_by_is_reported_and_no_failure() -> None:
    over = [300 <= turn < 360 for turn in range(REQUESTS)]

    found = judge(over, REQUESTS, 1, LENGTH_S)

    assert (found.judgement, found.recovered) == (Judgement.UNDER, True)
    assert found.found_at is not None
    assert 300 < found.found_at <= 360


@pytest.mark.parametrize(
    ("begins", "ends"),
    [(300, 520), (2_700, 2_790)],
    ids=["too much of the whole", "in the last part"],
)
def test_slowness_that_has_not_passed_by_for_certain_fails(begins: int, ends: int) -> None:
    over = [begins <= turn < ends for turn in range(REQUESTS)]

    assert judge(over, REQUESTS, 1, LENGTH_S).judgement is Judgement.OVER


def test_what_no_look_saw_is_still_judged_at_the_end() -> None:
    """6.5 % over, evenly: nearer to 5 % than to 10 %, so that no look is certain."""
    over = [
        (turn % 200 < 13 and turn % 2 == 0) or turn % 200 in (50, 60, 70, 80, 90, 99)
        for turn in range(REQUESTS)
    ]
    share = sum(over) / REQUESTS

    found = judge(over, REQUESTS, 1, LENGTH_S)

    assert share == pytest.approx(0.065)
    assert found.found_at is None
    assert found.judgement is Judgement.OVER


def test_a_prober_that_stood_still_is_no_slow_server() -> None:
    """Two seconds of a watch of two minutes at ten requests a second, near to its end."""
    over = [turn % 50 == 0 or 1_000 <= turn < 1_020 for turn in range(1_200)]
    slow = [turn % 50 == 0 for turn in range(1_200)]

    found = judge(over, 1_200, 1, 120.0, slow)

    assert (found.judgement, found.found_at) == (Judgement.UNDER, None)
    assert judge(over, 1_200, 1, 120.0).judgement is Judgement.OVER


def test_the_error_is_shared_by_all_endpoints() -> None:
    assert at_end(REQUESTS, 12).over_at_least > at_end(REQUESTS, 1).over_at_least
    assert at_end(REQUESTS, 1).under_at_most == bounds(REQUESTS).under_at_most
    assert Following.of(REQUESTS, 12).suspicion.error == pytest.approx(ERROR / 24)
