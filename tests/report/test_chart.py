"""The geometry of drawn evidence."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_chefrelease.report.html.chart import HEIGHT, WIDTH, plot, track
from pytest_chefrelease.runbook.evidence import Chart, Timeline
from tests.report import samples

DOT = re.compile(r"M(\d+) (\d+)h0")
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


def dots(path: str) -> list[tuple[int, int]]:
    return [(int(x), int(y)) for x, y in DOT.findall(path)]


def test_points_at_or_over_the_limit_are_drawn_apart() -> None:
    drawn = plot(Chart("c", "ms", ((0, 100), (5, 500), (10, 250)), limit=500.0))

    assert drawn is not None
    assert len(dots(drawn.below)) == 2
    assert [x for x, _ in dots(drawn.above)] == [WIDTH // 2]
    assert (
        drawn.words == "3 points, median 250 ms, highest 500 ms; 1 at or over the limit of 500 ms"
    )


def test_a_value_stands_at_the_height_of_its_tick() -> None:
    drawn = plot(Chart("c", "ms", ((0, 0), (10, 400))))

    assert drawn is not None
    [tick] = [tick for tick in drawn.values if tick.text == "400 ms"]
    [(_, low), (_, high)] = dots(drawn.below)
    assert low == HEIGHT
    assert high == pytest.approx(HEIGHT * (1 - tick.at / 100), abs=1)


def test_axes_have_few_and_round_labels() -> None:
    drawn = plot(samples.latency_chart())

    assert drawn is not None
    assert [tick.text for tick in drawn.values] == ["0 ms", "200 ms", "400 ms", "600 ms"]
    assert [tick.text for tick in drawn.times] == ["0", "10 s", "20 s"]


def test_a_chart_without_points_is_not_drawn() -> None:
    assert plot(Chart("c", "ms", ())) is None
    assert plot(Chart("c", "ms", ((0.0, math.nan),))) is None


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), max_size=30),
    st.none() | NUMBERS,
    st.none() | st.tuples(NUMBERS, NUMBERS),
)
def test_any_measurement_can_be_drawn(
    points: list[tuple[float, float]], limit: float | None, band: tuple[float, float] | None
) -> None:
    drawn = plot(Chart("c", "ms", tuple(points), limit, band))

    if drawn is not None:
        assert "nan" not in drawn.below + drawn.above
        assert "inf" not in drawn.below + drawn.above
        assert len(drawn.values) < 10


def test_a_long_run_is_thinned_but_keeps_its_slow_points() -> None:
    points = tuple((n / 100, 900.0 if n % 1000 == 0 else 20.0) for n in range(30_000))
    drawn = plot(Chart("c", "ms", points, limit=500.0))

    assert drawn is not None
    assert len(dots(drawn.above)) == 30
    assert len(dots(drawn.below)) <= 1_500


def test_a_timeline_covers_its_whole_length() -> None:
    drawn = track(samples.timeline())

    assert drawn is not None
    assert sum(span.width for span in drawn.spans) == pytest.approx(WIDTH, abs=1)
    assert [span.kind for span in drawn.spans] == [
        *("passed", "failed", "passed", "unverified", "passed")
    ]
    assert drawn.words == "5 stretches over 15 min, 4 changes of state"
    assert (drawn.spans[1].start, drawn.spans[1].lasted) == ("5.2 min", "15 s")


def test_a_timeline_without_marks_is_not_drawn() -> None:
    assert track(Timeline("t", 900.0, ())) is None


def test_a_short_disturbance_stays_visible() -> None:
    drawn = track(Timeline("t", 86_400.0, ((0, "ok", ""), (100, "failed", ""), (101, "ok", ""))))

    assert drawn is not None
    assert drawn.spans[1].width >= 2
