"""Whether a number that is looked at again and again grows, or only goes up and down.

Sources: H. B. Mann, "Nonparametric Tests Against Trend", Econometrica 13 (1945); M. G. Kendall,
"Rank Correlation Methods" (1975), the variance with ties; P. K. Sen, JASA 63 (1968), the slope.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from statistics import median

from msgspec import Struct

LEAST_POINTS = 8
"""Of fewer the normal approximation of the test says nothing."""
_MOST_POINTS = 30
"""Readings that follow closely repeat each other; the test takes them for independent."""


class Trend(Struct, frozen=True):
    """How a series grows: the chance to see so much of it by accident, and how fast it is.

    ``per_s`` is Sen's slope, ``growth`` what that makes over the time looked at.
    """

    p_value: float
    per_s: float
    growth: float

    def seconds_until(self, now: float, limit: float) -> float | None:
        """When a limit is reached at this rate; None where it never is."""
        return max(0.0, (limit - now) / self.per_s) if self.per_s > 0 else None


def trend_of(points: Sequence[tuple[float, float]]) -> Trend | None:
    """The trend of (seconds, value), in order of time; None for fewer than ``LEAST_POINTS``."""
    if len(points) < LEAST_POINTS:
        return None
    kept = _thinned(points)
    pairs = [(b[0] - a[0], b[1] - a[1]) for a, b in combinations(kept, 2)]
    score = sum((rise > 0) - (rise < 0) for _, rise in pairs)
    slopes = [rise / run for run, rise in pairs if run > 0]
    per_s = median(slopes) if slopes else 0.0
    spread = math.sqrt(_variance([value for _, value in kept]))
    z = (score - 1) / spread if spread and score > 0 else 0.0
    # One-sided: only growth is asked for.
    p_value = 0.5 * math.erfc(z / math.sqrt(2)) if z > 0 else 1.0
    return Trend(p_value, per_s, per_s * (kept[-1][0] - kept[0][0]))


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most ``_MOST_POINTS``: medians of stretches of the same number of readings."""
    size = math.ceil(len(points) / _MOST_POINTS)
    stretches = [points[i : i + size] for i in range(0, len(points), size)]
    return [(median(at for at, _ in part), median(v for _, v in part)) for part in stretches]


def _variance(values: Sequence[float]) -> float:
    """The variance of Kendall's score for values without a trend, some of them equal."""
    n = len(values)
    ties = sum(t * (t - 1) * (2 * t + 5) for t in Counter(values).values())
    return (n * (n - 1) * (2 * n + 5) - ties) / 18
