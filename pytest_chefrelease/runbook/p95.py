"""P95 against a limit: exact binomial decisions at planned looks, and an interval.

A request is *over* when it took the limit or longer, or failed. If P95 is at the limit,
the number of requests over is binomial with share 0.05, whatever the distribution of the
latencies: so nothing here assumes one. What is assumed is that requests are over
independently of each other.

Looking again after every batch would let errors pile up (ten looks at 5 % each: about one
in five). So the whole run has 5 %: the first look decides by the plain bounds of the
catalogue (300 requests: pass with at most 8 over, fail with at least 22) and the later
looks share, in equal steps, what the first one leaves of the 5 %. The bounds come from
the exact distribution of the number over among runs that are still undecided, so the
chance to pass in any look while the true share over is 5 % or more is at most 5 %.

Source: CATALOG.md, "Rules for P95"; spending errors over looks: Lan and DeMets 1983.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from itertools import accumulate
from math import exp, fsum, lgamma, log, log1p

from msgspec import Struct

SHARE = 0.05
"""The share of requests that may be at the limit or over it when P95 is at the limit."""

ERROR = 0.05
"""The chance of a wrong PASS, and of a wrong FAIL among all endpoints, over a whole run."""

STOPPED_ERROR = 0.001
"""The part of the chance of a wrong FAIL that is kept for runs stopped because of errors."""

LATE_SHARE = 0.05
"""The share of a measured P95 that may be the prober's own lateness."""

LEAST_REQUESTS = 59
"""Fewer can prove nothing: 0.95 ** 58 is over 0.05."""


class Judgement(StrEnum):
    """What a sample says about P95 and the limit."""

    UNDER = "under"
    OVER = "over"
    UNDECIDED = "undecided"


class Bounds(Struct, frozen=True):
    """At ``n`` requests: P95 is under with ``under_at_most`` over, is not with ``over_at_least``.

    -1 and n + 1 are bounds that no sample reaches.
    """

    n: int
    under_at_most: int
    over_at_least: int

    def judge(self, over: int) -> Judgement:
        """What ``over`` of ``n`` requests say."""
        if over <= self.under_at_most:
            return Judgement.UNDER
        return Judgement.OVER if over >= self.over_at_least else Judgement.UNDECIDED


class Quantiles(Struct, frozen=True):
    """A sample's quantiles by nearest rank, and the 95 % interval of P95, in milliseconds.

    None stands for longer than any limit: so many requests failed that the quantile is
    one of them, or the sample is too small to bound it.
    """

    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    p95_low_ms: float | None
    p95_high_ms: float | None


def bounds(
    n: int, *, under_error: float = ERROR, over_error: float = ERROR, share: float = SHARE
) -> Bounds:
    """The exact bounds of one look at ``n`` requests, each side with its own error.

    ``share`` is that of the requests above another quantile than P95: 0.5 for the median.
    """
    pmf = _binomial(n, share)
    under = _count_within(pmf, under_error) - 1
    over = n + 1 - _count_within(pmf[::-1], over_error)
    return Bounds(n, under, over)


def plan(requests: int, looks: int, endpoints: int) -> tuple[Bounds, ...]:
    """The bounds of every look: after each batch of ``requests``, at most ``looks`` times.

    The error of a FAIL is divided by the number of ``endpoints``: one endpoint that is
    wrongly red is one too many. The error of a PASS is not: all of them must pass.
    """
    return _plan(requests, looks, ERROR, (ERROR - STOPPED_ERROR) / endpoints)


def interval_ranks(n: int, requests: int, looks: int) -> Bounds:
    """From which ranks the interval of P95 is read after ``n`` requests of such a plan.

    It is as wide as its look needs: the intervals of all looks hold the true P95 together
    with 95 %, so it makes no difference which of them was the last.
    """
    for look in _plan(requests, looks, ERROR / 2, ERROR / 2):
        if look.n == n:
            return look
    return bounds(n, under_error=ERROR / 2, over_error=ERROR / 2)


@cache
def _plan(requests: int, looks: int, under_error: float, over_error: float) -> tuple[Bounds, ...]:
    first = bounds(requests, under_error=under_error, over_error=over_error)
    batch = _binomial(requests)
    below = list(accumulate(batch))
    undecided = _between(first, batch)
    under_spent = fsum(batch[: first.under_at_most + 1])
    over_spent = fsum(batch[first.over_at_least :])
    under_step = (under_error - under_spent) / max(looks - 1, 1)
    over_step = (over_error - over_spent) / max(looks - 1, 1)
    planned = [first]
    for look in range(2, looks + 1):
        under_left = under_error - under_step * (looks - look) - under_spent
        over_left = over_error - over_step * (looks - look) - over_spent
        total = _sums(undecided, batch, below, requests * look, (under_left, over_left))
        planned.append(total.bounds)
        under_spent += total.under
        over_spent += total.over
        undecided = total.undecided
    return tuple(planned)


def judge(planned: Sequence[Bounds], over: Sequence[bool]) -> tuple[Judgement, Bounds]:
    """The first look that decides, of those that the sample reaches, and what it says.

    ``over`` tells of each request, in the order of the schedule, whether it was over. A
    sample that reaches no look is judged undecided by the bounds of its own size.
    """
    reached = [look for look in planned if look.n <= len(over)]
    for look in reached:
        judgement = look.judge(sum(over[: look.n]))
        if judgement is not Judgement.UNDECIDED:
            return judgement, look
    return Judgement.UNDECIDED, reached[-1] if reached else bounds(len(over))


def is_over_although_stopped(n: int, over: int, endpoints: int) -> bool:
    """Whether ``over`` of ``n`` prove too many, where sampling was stopped by errors."""
    return over >= bounds(n, over_error=STOPPED_ERROR / endpoints).over_at_least


def own_part_ms(latencies_ms: Sequence[float | None], lateness_ms: Sequence[float]) -> float:
    """How much of a measured P95 is the prober's own lateness, in milliseconds.

    It is the difference to the P95 without each request's lateness: what was late but has
    no part in P95 does no harm. 0 where P95 is a request that failed.
    """
    pairs = zip(latencies_ms, lateness_ms, strict=True)
    measured = quantiles(latencies_ms).p95_ms
    without = quantiles([None if ms is None else ms - late for ms, late in pairs]).p95_ms
    return 0.0 if measured is None or without is None else measured - without


def is_too_late(own_part_ms: float, p95_ms: float | None, limit_ms: float) -> bool:
    """Whether the prober's own part is more than 5 % of what it measures, so that it means nothing.

    That is 5 % of P95, or of the limit where that is longer. Lateness only adds to a latency
    that counts from the schedule, so a part that is smaller turns no verdict.
    """
    return own_part_ms > LATE_SHARE * max(p95_ms or 0.0, limit_ms)


def quantiles(latencies_ms: Sequence[float | None], interval: Bounds | None = None) -> Quantiles:
    """Quantiles of a sample that is not empty; None is a request that failed.

    ``interval`` holds the ranks of P95's interval, by default those of a sample that was
    looked at once.
    """
    slowest_first = sorted(
        latencies_ms, key=lambda ms: float("inf") if ms is None else ms, reverse=True
    )
    n = len(slowest_first)
    interval = interval or interval_ranks(n, n, 1)

    def ranked(per_hundred: int) -> float | None:
        return slowest_first[n - max(1, -(-n * per_hundred // 100))]

    high = interval.under_at_most
    return Quantiles(
        p50_ms=ranked(50),
        p95_ms=ranked(95),
        p99_ms=ranked(99),
        max_ms=slowest_first[0],
        p95_low_ms=slowest_first[min(interval.over_at_least, n) - 1],
        p95_high_ms=slowest_first[high] if high >= 0 else None,
    )


class _Look(Struct, frozen=True):
    """A later look: its bounds, what they spend, and the chances of the counts between."""

    bounds: Bounds
    under: float
    over: float
    undecided: dict[int, float]


def _sums(
    undecided: dict[int, float],
    batch: list[float],
    below: list[float],
    n: int,
    errors: tuple[float, float],
) -> _Look:
    """Add a batch to runs undecided so far, and find the widest bounds within ``errors``."""
    if not undecided:
        return _Look(Bounds(n, -1, n + 1), 0.0, 0.0, {})
    size = len(batch) - 1

    def at_most(count: int) -> float:
        return fsum(
            chance * below[min(count - start, size)]
            for start, chance in undecided.items()
            if count >= start
        )

    everyone = fsum(undecided.values())
    under = bisect_right(range(n + 1), errors[0], key=at_most) - 1
    over = bisect_left(range(n + 2), everyone - errors[1], key=lambda k: at_most(k - 1))
    found = Bounds(n, under, over)
    between = {
        count: fsum(
            chance * batch[count - start]
            for start, chance in undecided.items()
            if 0 <= count - start <= size
        )
        for count in range(under + 1, over)
    }
    return _Look(found, at_most(under), everyone - at_most(over - 1), between)


def _between(look: Bounds, pmf: list[float]) -> dict[int, float]:
    return {k: pmf[k] for k in range(look.under_at_most + 1, look.over_at_least)}


def _count_within(pmf: list[float], error: float) -> int:
    """How many of the first chances together stay within ``error``."""
    return sum(1 for total in accumulate(pmf) if total <= error)


def _binomial(n: int, share: float = SHARE) -> list[float]:
    """P(Bin(n, share) = k) for k from 0 to n."""
    return [
        exp(
            lgamma(n + 1)
            - lgamma(k + 1)
            - lgamma(n - k + 1)
            + k * log(share)
            + (n - k) * log1p(-share)
        )
        for k in range(n + 1)
    ]
