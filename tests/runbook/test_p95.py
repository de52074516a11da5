"""The rules for P95: exact bounds, error shared between looks, quantiles and their interval."""

from __future__ import annotations

import random
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_chefrelease.runbook.p95 import (
    ERROR,
    LEAST_REQUESTS,
    STOPPED_ERROR,
    Bounds,
    Judgement,
    bounds,
    interval_ranks,
    is_over_although_stopped,
    is_too_late,
    judge,
    own_part_ms,
    plan,
    quantiles,
)

TWENTIETH = Fraction(1, 20)
ROUNDING = 1e-12


def chance_of_at_most(k: int, n: int) -> Fraction:
    """P(Bin(n, 0.05) ≤ k) in whole numbers: the oracle."""
    return sum(
        (comb(n, i) * TWENTIETH**i * (1 - TWENTIETH) ** (n - i) for i in range(k + 1)),
        Fraction(0),
    )


@pytest.mark.parametrize(
    ("n", "under", "over"),
    [(100, 1, 10), (200, 4, 16), (300, 8, 22), (500, 16, 34), (1000, 38, 63), (3000, 130, 171)],
)
def test_bounds_are_those_of_the_published_table(n: int, under: int, over: int) -> None:
    assert bounds(n) == Bounds(n, under, over)


def test_59_requests_pass_only_without_one_that_is_over() -> None:
    assert bounds(LEAST_REQUESTS).under_at_most == 0


def test_fewer_than_59_requests_cannot_pass() -> None:
    assert all(bounds(n).under_at_most == -1 for n in range(1, LEAST_REQUESTS))


@settings(deadline=None)  # exact fractions take their time on a busy machine
@given(st.integers(1, 400), st.sampled_from([0.05, 0.025, 0.001]))
def test_bounds_are_the_widest_that_keep_the_error(n: int, error: float) -> None:
    found = bounds(n, under_error=error, over_error=error)

    assert chance_of_at_most(found.under_at_most, n) <= error
    assert chance_of_at_most(found.under_at_most + 1, n) > error - ROUNDING
    assert 1 - chance_of_at_most(found.over_at_least - 1, n) <= error
    assert 1 - chance_of_at_most(found.over_at_least - 2, n) > error - ROUNDING


def test_the_first_look_of_a_plan_is_the_catalogues_decision() -> None:
    assert plan(300, 10, 1)[0] == Bounds(300, 8, 22)


def test_more_endpoints_make_a_fail_harder_and_a_pass_no_easier() -> None:
    alone, among_many = plan(300, 10, 1)[0], plan(300, 10, 13)[0]

    assert among_many.over_at_least > alone.over_at_least
    assert among_many.under_at_most == alone.under_at_most


def test_later_looks_are_stricter_than_a_single_look_of_that_size() -> None:
    for look in plan(300, 10, 1)[1:]:
        assert look.under_at_most < bounds(look.n).under_at_most
        assert look.over_at_least > bounds(look.n).over_at_least


def errors_at_the_limit(planned: tuple[Bounds, ...], batch: int) -> tuple[Fraction, Fraction]:
    """The exact chances to pass and to fail in any look, P95 being at the limit."""
    one_batch = [
        comb(batch, i) * TWENTIETH**i * (1 - TWENTIETH) ** (batch - i) for i in range(batch + 1)
    ]
    open_runs = {0: Fraction(1)}
    passed = failed = Fraction(0)
    for look in planned:
        reached: dict[int, Fraction] = {}
        for start, chance in open_runs.items():
            for more, also in enumerate(one_batch):
                reached[start + more] = reached.get(start + more, Fraction(0)) + chance * also
        passed += sum((c for k, c in reached.items() if k <= look.under_at_most), Fraction(0))
        failed += sum((c for k, c in reached.items() if k >= look.over_at_least), Fraction(0))
        open_runs = {k: c for k, c in reached.items() if look.judge(k) is Judgement.UNDECIDED}
    return passed, failed


@pytest.mark.parametrize(("batch", "looks", "endpoints"), [(60, 5, 1), (30, 6, 3), (100, 3, 1)])
def test_all_looks_together_keep_the_error(batch: int, looks: int, endpoints: int) -> None:
    passed, failed = errors_at_the_limit(plan(batch, looks, endpoints), batch)

    assert Fraction(1, 50) < passed <= ERROR
    assert failed <= (ERROR - STOPPED_ERROR) / endpoints


def test_small_batches_pass_in_a_later_look() -> None:
    planned = plan(30, 10, 1)

    assert planned[0].under_at_most == -1
    assert planned[-1].under_at_most > 0


def test_the_first_look_that_decides_counts() -> None:
    planned = (Bounds(3, -1, 4), Bounds(6, 1, 5), Bounds(9, 0, 1))

    assert judge(planned, [False] * 6 + [True] * 3) == (Judgement.UNDER, planned[1])


def test_a_sample_that_reaches_no_look_is_undecided() -> None:
    assert judge(plan(300, 10, 1), [False] * 299)[0] is Judgement.UNDECIDED


def test_an_empty_sample_is_undecided() -> None:
    assert judge(plan(300, 10, 1), [])[0] is Judgement.UNDECIDED


@settings(deadline=None)
@given(st.integers(59, 500), st.data())
def test_one_more_slow_request_never_helps(n: int, data: st.DataObject) -> None:
    order = [Judgement.UNDER, Judgement.UNDECIDED, Judgement.OVER]
    over = data.draw(st.integers(0, n - 1))

    assert order.index(bounds(n).judge(over + 1)) >= order.index(bounds(n).judge(over))


def test_five_errors_at_the_start_prove_a_failure_and_five_late_ones_do_not() -> None:
    assert is_over_although_stopped(5, 5, endpoints=13)
    assert not is_over_although_stopped(205, 5, endpoints=1)


def test_quantiles_are_order_statistics() -> None:
    seen = quantiles([float(ms) for ms in range(1, 301)])

    assert (seen.p50_ms, seen.p95_ms, seen.p99_ms, seen.max_ms) == (150, 285, 297, 300)
    assert seen.p95_low_ms is not None
    assert seen.p95_high_ms is not None
    assert seen.p95_low_ms < 285 < seen.p95_high_ms


def test_a_failed_request_is_slower_than_any_other() -> None:
    seen = quantiles([10.0] * 90 + [None] * 10)

    assert (seen.p50_ms, seen.p95_ms, seen.max_ms) == (10, None, None)


def test_a_small_sample_does_not_bound_p95_from_above() -> None:
    assert quantiles([5.0] * 58).p95_high_ms is None


def test_the_interval_holds_the_true_p95_in_95_of_100_samples() -> None:
    draw = random.Random(7)
    true_p95 = 0.95

    held = 0
    for _ in range(400):
        seen = quantiles([draw.random() for _ in range(300)])
        assert seen.p95_low_ms is not None
        assert seen.p95_high_ms is not None
        held += seen.p95_low_ms <= true_p95 <= seen.p95_high_ms

    assert held / 400 >= 0.93


def test_the_interval_of_a_later_look_is_wider_than_that_of_one_look() -> None:
    latencies = [float(ms) for ms in range(600)]

    once = quantiles(latencies)
    second = quantiles(latencies, interval_ranks(600, 300, 10))

    assert second.p95_low_ms is not None
    assert once.p95_low_ms is not None
    assert second.p95_high_ms is not None
    assert once.p95_high_ms is not None
    assert second.p95_low_ms < once.p95_low_ms
    assert second.p95_high_ms > once.p95_high_ms


def test_lateness_counts_where_p95_is() -> None:
    latencies = [10.0] * 90 + [1000.0] * 10

    assert own_part_ms(latencies, [5.0] * 90 + [0.0] * 10) == 0
    assert own_part_ms(latencies, [0.0] * 90 + [400.0] * 10) == 400
    assert own_part_ms([None] * 100, [400.0] * 100) == 0


@pytest.mark.parametrize(
    ("own_ms", "p95_ms", "is_late"),
    [(24.0, 30.0, False), (26.0, 30.0, True), (40.0, 900.0, False), (50.0, 900.0, True)],
)
def test_a_prober_later_than_a_twentieth_of_what_it_measures_proves_nothing(
    own_ms: float, p95_ms: float, *, is_late: bool
) -> None:
    assert is_too_late(own_ms, p95_ms, limit_ms=500) is is_late
