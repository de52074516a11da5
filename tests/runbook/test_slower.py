"""Slower: significantly, by order statistics, and relevantly, by the margin of settings."""

from __future__ import annotations

import random
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_chefrelease.runbook.slower import (
    LEAST_REQUESTS,
    Figures,
    Margin,
    Measured,
    differences,
    figures,
    noise_of,
)

MARGIN = Margin(share=0.1, least_ms=10)


def sample(n: int, seed: int, *, more_ms: float = 0, tail_ms: float = 0) -> Figures:
    """Log-normal latencies around 100 ms; of every tenth request ``tail_ms`` more."""
    draw = random.Random(seed)
    shots = [100 * draw.lognormvariate(0, 0.2) + more_ms for _ in range(n)]
    return figures([ms + tail_ms * (number % 10 == 0) for number, ms in enumerate(shots)])


def slower(before: Figures, after: Figures, **noise: float) -> list[str]:
    found = differences(before, after, MARGIN, noise)
    return [of.quantile for of in found if of.is_slower]


def test_a_shift_of_all_answers_shows_in_both_quantiles() -> None:
    assert slower(sample(300, 1), sample(300, 2, more_ms=80)) == ["P50", "P95"]


def test_a_longer_tail_shows_in_p95_alone() -> None:
    assert slower(sample(300, 1), sample(300, 2, tail_ms=300)) == ["P95"]


def test_a_difference_within_the_noise_of_one_version_does_not_count() -> None:
    before, after = sample(300, 1), sample(300, 2, more_ms=80)
    assert slower(before, after, p50=90, p95=90) == []


def test_a_sure_difference_that_is_too_small_to_matter_does_not_count() -> None:
    steady = figures([100.0 + n / 1000 for n in range(300)])
    little_more = figures([109.0 + n / 1000 for n in range(300)])
    assert slower(steady, little_more) == []
    assert slower(steady, figures([111.0 + n / 1000 for n in range(300)])) == ["P50", "P95"]


def test_too_few_requests_are_never_sure() -> None:
    few = figures([100.0] * (LEAST_REQUESTS - 1))
    assert few.p95.high_ms == inf
    assert "P95" not in slower(few, figures([900.0] * 300))


def test_requests_that_fail_are_slower_than_any_limit() -> None:
    failing: list[float | None] = [100.0] * 270 + [None] * 30
    assert slower(sample(300, 1), figures(failing)) == ["P95"]
    assert [of.quantile for of in differences(figures(failing), sample(300, 1), MARGIN)] == ["P50"]


def test_unchanged_answers_are_seldom_called_slower() -> None:
    """At most 5 in 100 by construction; here without any margin, 300 requests each."""
    anything = Margin(share=0, least_ms=0)
    wrong = sum(
        any(of.is_slower for of in differences(sample(300, n), sample(300, n + 5000), anything))
        for n in range(200)
    )
    assert wrong <= 4


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.1, 9000) | st.none(), min_size=1, max_size=400))
def test_figures_come_back_from_their_facts(latencies: list[float | None]) -> None:
    known = Measured("/health", figures(latencies), noise_of(figures(latencies), figures([1.0])))

    back = Measured.from_facts("/health", known.facts())

    assert back.facts() == known.facts()
    for of in back.figures.quantiles.values():
        assert of.low_ms <= of.ms <= of.high_ms


def test_other_facts_are_no_figures() -> None:
    with pytest.raises(ValueError, match="hold no figures"):
        Measured.from_facts("/health", {"n": 300, "p95_ms": 12.0})
