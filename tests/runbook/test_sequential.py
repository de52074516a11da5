"""What the watch's decisions promise, shown on simulated watches (seeded, so always the same)."""

from __future__ import annotations

import random
from functools import reduce
from statistics import median

import pytest

from pytest_chefrelease.runbook.sequential import (
    Suspicion,
    highest_rate,
    highest_share,
    is_share_above,
    rate_log_ratio,
    share_log_ratio,
)

LOOKS, INTERVAL_S = 360, 2.5
PER_LOOK = 10
"""Requests between two looks: four a second."""


def binomial(chance: random.Random, n: int, share: float) -> int:
    return sum(chance.random() < share for _ in range(n))


def first_alarm(
    chance: random.Random, usual: float, begins: int, shares: tuple[float, float]
) -> int | None:
    """At which look a watch raises the alarm, whose share of slow requests changes at one."""
    suspicion = Suspicion(LOOKS, 0.05)
    for look in range(LOOKS):
        bad = binomial(chance, PER_LOOK, shares[look >= begins])
        suspicion = suspicion.after(share_log_ratio(PER_LOOK, bad, usual, 2 * usual))
        if suspicion.is_certain:
            return look
    return None


def test_of_1000_healthy_watches_at_most_5_percent_are_alarmed() -> None:
    chance = random.Random(1)

    alarms = [first_alarm(chance, 0.05, LOOKS, (0.05, 0.05)) for _ in range(1_000)]

    assert sum(alarm is not None for alarm in alarms) <= 50


@pytest.mark.parametrize("begins", [0, 120], ids=["by the release", "five minutes later"])
def test_a_doubling_is_found_in_a_median_below_five_minutes(begins: int) -> None:
    chance = random.Random(2)

    alarms = [first_alarm(chance, 0.05, begins, (0.05, 0.10)) for _ in range(200)]

    took_s = [(LOOKS if at is None else at - begins + 1) * INTERVAL_S for at in alarms]
    assert median(took_s) < 300


def test_looking_at_plain_tests_instead_would_cry_wolf() -> None:
    chance = random.Random(3)

    def cries(seen: int = 0, slow: int = 0) -> bool:
        for _ in range(LOOKS):
            seen, slow = seen + PER_LOOK, slow + binomial(chance, PER_LOOK, 0.05)
            if is_share_above(seen, slow, 0.05, 0.05):
                return True
        return False

    assert sum(cries() for _ in range(60)) > 10


def test_the_facts_of_one_plain_test_are_these() -> None:
    assert share_log_ratio(1, 1, 0.02, 0.05) == pytest.approx(0.916, abs=0.001)
    assert share_log_ratio(1, 0, 0.02, 0.05) == pytest.approx(-0.0311, abs=0.0001)


def test_rates_count_events_in_time() -> None:
    many = reduce(
        lambda s, _: s.after(rate_log_ratio(5, 1.0, 1.0, 2.0)), range(10), Suspicion(60, 0.05)
    )
    usual = reduce(
        lambda s, _: s.after(rate_log_ratio(1, 1.0, 1.0, 2.0)), range(60), Suspicion(60, 0.05)
    )

    assert many.is_certain
    assert not usual.is_certain
    assert usual.strength < 0.05


@pytest.mark.parametrize(
    ("n", "bad", "highest"), [(300, 0, 0.00994), (100, 5, 0.10225), (0, 0, 1.0), (3, 3, 1.0)]
)
def test_the_highest_share_is_clopper_and_pearsons(n: int, bad: int, highest: float) -> None:
    assert highest_share(n, bad, 0.05) == pytest.approx(highest, abs=1e-4)


@pytest.mark.parametrize(("count", "highest"), [(0, 2.9957), (1, 4.7439), (10, 16.9622)])
def test_the_highest_rate_is_garwoods(count: int, highest: float) -> None:
    assert highest_rate(count, 1.0, 0.05) == pytest.approx(highest, abs=1e-3)


@pytest.mark.parametrize(
    ("n", "bad", "is_above"),
    [(3, 1, False), (3, 2, True), (300, 15, False), (300, 22, True), (0, 0, False)],
)
def test_a_share_is_above_only_where_that_is_proven(n: int, bad: int, *, is_above: bool) -> None:
    assert is_share_above(n, bad, 0.05, 0.05) is is_above
