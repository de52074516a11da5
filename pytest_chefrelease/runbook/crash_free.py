"""Whether a share of sessions without a crash is under a threshold, or only looks so."""

from __future__ import annotations

from enum import StrEnum
from math import comb, sqrt
from statistics import NormalDist

ERROR = 0.05
_EXACT_TO = 500
"""Up to so many sessions the binomial distribution is summed; the normal one is close beyond."""


class CrashFree(StrEnum):
    """What can be said of the share."""

    ENOUGH = "enough"
    TOO_FEW = "too few"
    UNCERTAIN = "uncertain"


def judge(total: int, share: float, least: float) -> CrashFree:
    """Whether ``share`` of ``total`` sessions (at least 1) is under ``least``; both 0 to 1.

    A share under the threshold is TOO_FEW when as many crashes would be rarer than ``ERROR``
    at the threshold itself; with fewer sessions than that takes, it is UNCERTAIN.
    """
    if share >= least:
        return CrashFree.ENOUGH
    crashed = round(total * (1 - share))
    rare = _at_least(crashed, total, 1 - least) <= ERROR
    return CrashFree.TOO_FEW if rare else CrashFree.UNCERTAIN


def _at_least(k: int, n: int, p: float) -> float:
    """P(Bin(n, p) >= k)."""
    if n <= _EXACT_TO:
        return 1.0 - sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k))
    return 1.0 - NormalDist(n * p, sqrt(n * p * (1 - p))).cdf(k - 0.5)
