"""Growth is told from ups and downs, from a pool that fills itself, and from chance."""

from __future__ import annotations

import random

import pytest

from pytest_chefrelease.runbook.trend import trend_of


def series(*values: float, every_s: float = 1.0) -> list[tuple[float, float]]:
    return [(number * every_s, value) for number, value in enumerate(values)]


def test_fewer_than_eight_readings_have_no_trend() -> None:
    assert trend_of(series(*range(7))) is None


def test_a_steady_leak_is_significant_with_its_slope() -> None:
    found = trend_of(series(*range(10, 30), every_s=30))

    assert found is not None
    assert found.p_value < 1e-6
    assert found.per_s == pytest.approx(1 / 30)
    assert found.growth == pytest.approx(19)
    assert found.seconds_until(29, 100) == pytest.approx(71 * 30)


def test_a_leak_that_begins_late_is_found() -> None:
    found = trend_of(series(8, 8, 8, 8, 10, 13, 16, 19, 22, 25))

    assert found is not None
    assert found.p_value < 0.001
    assert found.growth > 10


@pytest.mark.parametrize(
    "values",
    [
        [5.0] * 20,
        [3.0, 3.0, 4.0] + [9.0] * 60,  # a pool that fills itself once
        [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0],
        [5.0, 9.0, 4.0, 8.0] * 10,
    ],
)
def test_what_does_not_go_on_growing_has_no_growth(values: list[float]) -> None:
    found = trend_of(series(*values))

    assert found is not None
    assert found.growth <= 0 or found.p_value > 0.05


def test_the_variance_counts_ties() -> None:
    # By hand: 10 values, two groups of five: score 25, variance (2250 - 2 * 300) / 18.
    found = trend_of(series(1, 1, 1, 1, 1, 2, 2, 2, 2, 2))

    assert found is not None
    assert found.p_value == pytest.approx(0.00609, abs=5e-5)


def test_chance_alone_is_seldom_significant() -> None:
    chance = random.Random(7)
    seen = [trend_of(series(*(chance.gauss(20, 4) for _ in range(360)))) for _ in range(300)]

    assert sum(found is not None and found.p_value < 0.01 for found in seen) <= 9
