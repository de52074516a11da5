"""Geometry of the drawn evidence: where points, limits and states stand, in parts of the plot.

A drawing is stretched to its frame by the browser, so that labels outside of it keep their
size on a phone and on a wall. Coordinates are whole numbers in a plot of 1000 by 300, labels
are placed in percent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from pytest_chefrelease.report.readable import duration, number
from pytest_chefrelease.runbook.evidence import Chart, Timeline

WIDTH = 1000
HEIGHT = 300
_MOST_POINTS = 1_500
_HEADROOM = 1.08
_SHORTEST_AXIS = 1e-9
_LONGEST_AXIS = 1e15


class Tick(Struct, frozen=True):
    """A label on an axis, ``at`` percent from its start."""

    at: float
    text: str


class Plot(Struct, frozen=True):
    """A chart, ready to be drawn: ``below`` and ``above`` are SVG paths of dots."""

    title: str
    words: str
    below: str
    above: str
    limit: Tick | None
    band: tuple[float, float] | None
    values: tuple[Tick, ...]
    times: tuple[Tick, ...]


class Span(Struct, frozen=True):
    """A stretch of a timeline, in units of the plot's width."""

    x: float
    width: float
    kind: str
    state: str
    start: str
    lasted: str
    seen: str


class Track(Struct, frozen=True):
    """A timeline, ready to be drawn, with its spans also to be read."""

    title: str
    words: str
    spans: tuple[Span, ...]
    times: tuple[Tick, ...]


def plot(chart: Chart) -> Plot | None:
    """Lay a chart out; None where it has no point that could be drawn."""
    points = [p for p in chart.points if math.isfinite(p[0]) and math.isfinite(p[1])]
    if not points:
        return None
    marks = [v for v in (chart.limit, *(chart.band or ())) if v is not None and math.isfinite(v)]
    top = _extent(max([value for _, value in points] + marks)) * _HEADROOM
    start = min(t for t, _ in points)
    length = _extent(max(t for t, _ in points) - start)
    limit = chart.limit if chart.limit is not None and math.isfinite(chart.limit) else math.inf
    slow = [p for p in points if p[1] >= limit]
    fast = _thin([p for p in points if p[1] < limit])

    def dots(chosen: Iterable[tuple[float, float]]) -> str:
        return "".join(
            f"M{_within((t - start) / length, WIDTH)} {HEIGHT - _within(value / top, HEIGHT)}h0"
            for t, value in chosen
        )

    return Plot(
        title=chart.title,
        words=_chart_words(chart, points, slow),
        below=dots(fast),
        above=dots(slow[:_MOST_POINTS]),
        limit=Tick(_up(limit, top), _value(limit, chart.unit)) if limit < math.inf else None,
        band=_band(chart, top),
        values=tuple(Tick(_up(v, top), _value(v, chart.unit)) for v in _round_steps(top, 4)),
        times=tuple(
            Tick(v / length * 100, duration(v) if v else "0") for v in _round_steps(length, 5)
        ),
    )


def track(timeline: Timeline) -> Track | None:
    """Lay a timeline out; None where nothing was marked."""
    if not timeline.marks:
        return None
    length = _extent(max(timeline.length_s, timeline.marks[-1][0]))
    ends = [mark[0] for mark in timeline.marks[1:]] + [length]
    spans = tuple(
        Span(
            x=at / length * WIDTH,
            width=max((end - at) / length * WIDTH, 2),
            kind=_kind(state),
            state=state,
            start=duration(at) if at else "0",
            lasted=duration(max(end - at, 0)),
            seen=seen,
        )
        for (at, state, seen), end in zip(timeline.marks, ends, strict=True)
    )
    changes = sum(a.state != b.state for a, b in pairwise(spans))
    stretches = f"{len(spans)} stretch{'es' if len(spans) != 1 else ''} over {duration(length)}"
    words = f"{stretches}, {changes} change{'s' if changes != 1 else ''} of state"
    times = tuple(
        Tick(v / length * 100, duration(v) if v else "0") for v in _round_steps(length, 5)
    )
    return Track(timeline.title, words, spans, times)


def _kind(state: str) -> str:
    """The look of a state: words of checks, and the usual ones of signals."""
    word = state.lower()
    if word in ("ok", "passed", "up", "green", "well", "healthy"):
        return "passed"
    if word in ("failed", "down", "red", "error", "critical", "firing"):
        return "failed"
    return "unverified"


def _thin(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Every nth of the fast points, so that the page stays light; slow ones are all drawn."""
    step = -(-len(points) // _MOST_POINTS)
    return points[::step] if step > 1 else points


def _chart_words(
    chart: Chart, points: Sequence[tuple[float, float]], slow: Sequence[tuple[float, float]]
) -> str:
    values = sorted(value for _, value in points)
    words = (
        f"{number(len(points))} points, median {_value(values[len(values) // 2], chart.unit)}, "
        f"highest {_value(values[-1], chart.unit)}"
    )
    if chart.limit is not None:
        words += f"; {number(len(slow))} at or over the limit of {_value(chart.limit, chart.unit)}"
    if chart.band is not None:
        low, high = chart.band
        words += f"; interval {_value(low, chart.unit)} to {_value(high, chart.unit)}"
    return words


def _value(value: float, unit: str) -> str:
    return duration(value / 1000) if unit == "ms" else f"{number(value)} {unit}".strip()


def _extent(length: float) -> float:
    """The length of an axis, none of them empty or beyond what can be divided by."""
    return min(length, _LONGEST_AXIS) if length > _SHORTEST_AXIS else 1.0


def _within(part: float, whole: int) -> int:
    """A part of the plot, as a whole number that lies in it."""
    return round(min(max(part, 0.0), 1.0) * whole)


def _up(value: float, top: float) -> float:
    return min(max(value / top, 0.0), 1.0) * 100


def _band(chart: Chart, top: float) -> tuple[float, float] | None:
    """Upper edge and height of the interval, in units of the plot."""
    if chart.band is None or not all(map(math.isfinite, chart.band)):
        return None
    low, high = sorted(chart.band)
    edge = _within(high / top, HEIGHT)
    return HEIGHT - edge, max(edge - _within(low / top, HEIGHT), 1)


def _round_steps(top: float, most: int) -> list[float]:
    """0 and its multiples of a round number, at most ``most`` steps up to ``top``."""
    raw = top / most
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= raw * 0.999)
    return [step * index for index in range(int(top / step) + 1)]
