"""What counts of a log decide, over as many looks as anybody likes. Pure rules.

Each decision reads the minutes of the log anew and goes through them in order, as a
sequential test does; so it needs no memory of earlier looks, and looking again and again
raises no false alarm: over an hour of watching at most ``ERROR`` of the healthy releases are
called bad by each rule (``sequential``).

Source: CATALOG.md, "Monitoring" and "The watch"; DESIGN.md section 3, rule 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, reduce
from math import log

from msgspec import Struct

from pytest_chefrelease.runbook.log_tally import Minute, Tally
from pytest_chefrelease.runbook.p95 import Judgement
from pytest_chefrelease.runbook.sequential import (
    Suspicion,
    highest_rate,
    highest_share,
    is_share_above,
    rate_log_ratio,
    share_log_ratio,
    usual_error,
)

ERROR = 0.01
"""The chance that one of these rules calls a healthy release bad, over a whole watch."""
MOST_SHARE = 0.05
"""More of the requests answered with 5xx than this: the runbook rolls back."""
TIMES_REFUSED = 10.0
"""So many times as many refusals as before the deploy are an authentication incident."""
_LOOKS = 60
_TWICE = 2.0
_MANY = 20_000
_TELLING = 2.3
"""So many expected refusals show themselves in nine watches of ten."""


def newest(minutes: Mapping[int, Minute]) -> list[tuple[int, Minute]]:
    """The minutes of the last hour that there is, oldest first."""
    return sorted(minutes.items())[-_LOOKS:]


def total(minutes: Mapping[int, Minute]) -> Minute:
    """All minutes as one."""
    whole = Minute()
    for minute in minutes.values():
        whole.add(minute)
    return whole


def of_others(minutes: Mapping[int, Minute]) -> Mapping[int, Minute]:
    """What others than this suite asked; where nobody else asked, what the suite did."""
    others = {key: minute.of_others for key, minute in minutes.items()}
    return others if total(others).requests else minutes


def is_above_share(minutes: Mapping[int, Minute], usual: float, error: float = ERROR) -> bool:
    """Whether the share of 5xx is proven to be above ``usual``.

    The suite's own requests may be so many that they hide what visitors get, or the only
    ones there are: the share is looked at with them and without.
    """
    return any(
        _share_suspicion(those, usual, error / 2).is_certain
        for those in (minutes, of_others(minutes))
    )


def is_more_than_before(minutes: Mapping[int, Minute], before: Minute) -> bool:
    """Whether the share of 5xx is proven to be above what it can have been before."""
    of_bound, of_looks = usual_error(ERROR)
    usual = _highest_share(before.requests, before.errors, of_bound)
    return is_above_share(minutes, min(usual, MOST_SHARE), of_looks)


def _share_suspicion(minutes: Mapping[int, Minute], usual: float, error: float) -> Suspicion:
    feared = min(_TWICE * usual, (1.0 + usual) / 2)
    return reduce(
        lambda suspicion, each: suspicion.after(
            share_log_ratio(each[1].requests, each[1].errors, usual, feared)
        ),
        newest(minutes),
        Suspicion(_LOOKS, error),
    )


class Refusals(Struct, frozen=True):
    """401s to others than this suite, over a stretch of time in minutes."""

    count: int
    exposure_min: float

    @property
    def rate(self) -> float:
        """401s a minute."""
        return self.count / self.exposure_min if self.exposure_min > 0 else 0.0

    @property
    def highest(self) -> float:
        """The highest rate a minute that they leave possible."""
        return _highest_rate(self.count, round(self.exposure_min, 2), usual_error(ERROR)[0])


def refusals_before(before: Tally, deployed_ms: int) -> Refusals:
    """Those before a deploy, from where the log begins on."""
    return Refusals(before.refused, max(deployed_ms - before.first_ms, 1) / 60_000)


def refusals_since(tally: Tally, deployed_ms: int) -> Refusals:
    """Those since a deploy, as far as the log reaches."""
    return Refusals(tally.refused, max(tally.last_ms - deployed_ms, 1_000) / 60_000)


def are_refusals_jumping(tally: Tally, deployed_ms: int, before: Refusals) -> bool:
    """Whether the rate of 401s is proven to be above ten times what it can have been before."""
    usual = TIMES_REFUSED * before.highest
    suspicion = Suspicion(_LOOKS, usual_error(ERROR)[1])
    last = tally.last_ms // 60_000
    for key in range(max(deployed_ms // 60_000, last - _LOOKS + 1), last + 1):
        minute = tally.minutes.get(key, Minute())
        seen_min = (
            min(tally.last_ms, (key + 1) * 60_000) - max(deployed_ms, key * 60_000)
        ) / 60_000
        ratio = rate_log_ratio(minute.refused, max(seen_min, 1e-6), usual, _TWICE * usual)
        suspicion = suspicion.after(ratio)
    return suspicion.is_certain


def telling_min(before: Refusals) -> float:
    """After how many minutes a tenfold rate would have shown itself."""
    return _TELLING / (TIMES_REFUSED * (before.rate or before.highest))


def judge_share(n: int, over: int, most: float) -> Judgement:
    """Whether the share of ``over`` in ``n`` is proven, in one look, to be below or above ``most``.

    Exact for up to 20,000, by Hoeffding's bound beyond.
    """
    if n > _MANY:
        margin = (-log(ERROR) / (2 * n)) ** 0.5
        if abs(over / n - most) <= margin:
            return Judgement.UNDECIDED
        return Judgement.OVER if over / n > most else Judgement.UNDER
    if n and is_share_above(n, over, most, ERROR):
        return Judgement.OVER
    return Judgement.UNDER if _highest_share(n, over, ERROR) < most else Judgement.UNDECIDED


@lru_cache(maxsize=64)
def _highest_share(n: int, bad: int, error: float) -> float:
    return highest_share(n, bad, error)


@lru_cache(maxsize=64)
def _highest_rate(count: int, exposure_min: float, error: float) -> float:
    return highest_rate(count, max(exposure_min, 0.01), error)
