"""P95 from a load test's histogram: rounded times, failures, and requests that were never sent."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pytest_chefrelease.runbook.load_test import Entry, loaded
from pytest_chefrelease.runbook.p95 import Judgement

LIMIT_MS = 500.0
SECONDS = range(1_000, 1_020)


def entry(times: dict[int, int], failures: int = 0, rate: dict[int, int] | None = None) -> Entry:
    n = sum(times.values())
    per_second = dict.fromkeys(SECONDS, n // len(SECONDS)) if rate is None else rate
    return Entry(
        name="/health",
        method="GET",
        num_requests=n,
        num_failures=failures,
        start_time=1_000.0,
        last_request_timestamp=1_020.0,
        response_times=times,
        num_reqs_per_sec=per_second,
    )


@pytest.mark.parametrize(
    ("times", "failures", "judgement"),
    [
        ({20: 1_000}, 0, Judgement.UNDER),
        ({20: 970, 700: 30}, 0, Judgement.UNDER),
        ({20: 900, 700: 100}, 0, Judgement.OVER),
        ({20: 950, 700: 50}, 0, Judgement.UNDECIDED),
        # Locust's 500 ms is anything from 495 to 505: it proves neither.
        ({20: 900, 500: 100}, 0, Judgement.UNDECIDED),
        ({20: 900, 490: 100}, 0, Judgement.UNDER),
        ({20: 900, 510: 100}, 0, Judgement.OVER),
        # A failed request was over, whatever it took.
        ({20: 1_000}, 100, Judgement.OVER),
        ({20: 970, 700: 30}, 30, Judgement.UNDECIDED),
        ({20: 50}, 0, Judgement.UNDECIDED),
        ({}, 0, Judgement.UNDECIDED),
    ],
)
def test_p95_is_judged_by_what_is_certain(
    times: dict[int, int], failures: int, judgement: Judgement
) -> None:
    one = entry(times, failures)
    assert loaded(one, [one], LIMIT_MS).judgement is judgement


def test_requests_that_waiting_users_did_not_send_keep_p95_from_being_proven() -> None:
    steady = entry({20: 2_000})
    # 10 users stood for three seconds of twenty: ten slow answers, and 300 that nobody asked for.
    stalled = {second: 0 if 1_008 <= second < 1_011 else 100 for second in SECONDS}
    hidden = entry({20: 1_690, 3_000: 10}, rate=stalled)

    assert loaded(steady, [steady], LIMIT_MS).not_sent == 0
    found = loaded(hidden, [hidden], LIMIT_MS)
    assert (found.not_sent, found.judgement) == (300, Judgement.UNDECIDED)
    # By its own histogram alone it would have passed.
    assert loaded(hidden, [], LIMIT_MS).judgement is Judgement.UNDER


def test_starting_users_one_by_one_is_no_standstill() -> None:
    rising = {second: min(100, 10 * (second - 999)) for second in SECONDS}
    one = entry({20: sum(rising.values())}, rate=rising)
    assert loaded(one, [one], LIMIT_MS).not_sent == 0


def test_a_few_requests_a_second_come_unevenly_and_still_do_not_stand() -> None:
    uneven = {second: (0, 3, 1, 2)[second % 4] for second in range(1_000, 1_200)}
    one = entry({20: sum(uneven.values())}, rate=uneven)
    assert loaded(one, [one], LIMIT_MS).not_sent == 0


def test_counts_that_cannot_be_are_named() -> None:
    well = entry({20: 100})
    assert well.contradiction == ""
    assert "times of 100" in replace(well, num_requests=101).contradiction
    assert "101 of 100" in replace(well, num_failures=101).contradiction
    assert "below zero" in entry({-20: 100}).contradiction
    assert "a week" in entry({20: 2}, rate={0: 1, 10**12: 1}).contradiction
