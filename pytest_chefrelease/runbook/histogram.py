"""P95 from a histogram's buckets: which bucket it lies in is known, where in it is guessed.

Source: Prometheus' documentation, ``histogram_quantile``: interpolated within a bucket.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

Bucket = tuple[float, float]
"""An upper bound in seconds (inf for the last), and how many observations are at most that."""


class BucketQuantile(Struct, frozen=True):
    """A quantile in milliseconds: interpolated, and the bucket that holds it.

    ``high_ms`` is inf where it lies above the highest finite bound.
    """

    value_ms: float
    low_ms: float
    high_ms: float


def quantile(share: float, buckets: Sequence[Bucket]) -> BucketQuantile | None:
    """The quantile of cumulative buckets; None without any observation."""
    ordered = sorted(buckets)
    total = ordered[-1][1] if ordered else 0.0
    if total <= 0 or not math.isinf(ordered[-1][0]):
        return None
    rank, low, below = share * total, 0.0, 0.0
    for bound, count in ordered:
        if count >= rank:
            inside = (rank - below) / (count - below) if count > below else 1.0
            value = low if math.isinf(bound) else low + (bound - low) * inside
            return BucketQuantile(value * 1000, low * 1000, bound * 1000)
        low, below = bound, count
    return None


def classes(buckets: Sequence[Bucket]) -> list[tuple[float, float, float]]:
    """What lies between two bounds: lower and upper in seconds, and how many observations."""
    found, low, below = [], 0.0, 0.0
    for bound, count in sorted(buckets):
        found.append((low, bound, max(0.0, count - below)))
        low, below = bound, max(below, count)
    return found
