"""Decisions over many looks at counts, whose chance of a false alarm does not grow with them.

A watch looks hundreds of times: a test at 5 % in each look would cry wolf in nearly every
watch. Here the evidence against "it is as before" is a likelihood ratio that is multiplied up
look by look. While it is as before, that product is a fair game whose stake is 1; so the
chance that it ever reaches 1/error, at any look of any number, is at most ``error`` (Ville's
inequality). Half of the stake bets on a change that the release brought, from the first look
on; the other half is spread evenly over changes that begin at a later look.

Source: Wald 1945; Ville 1939; Shiryaev 1963 on changes at an unknown time. FACTS.md,
"Statistics", has the numbers for one plain test.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, fsum, lgamma, log, log1p

from msgspec import Struct
from msgspec.structs import replace

FROM_THE_START = 0.5
"""The part of the stake on changes that are there from the first look."""

_BOUND_ERROR = 0.5
"""The part of an error that may be spent on not knowing exactly how it was before."""


class Suspicion(Struct, frozen=True):
    """The evidence that something has changed for the worse, after some looks.

    ``looks`` is how many are planned, ``error`` the chance of a false alarm over all of them.
    """

    looks: int
    error: float
    from_start: float = FROM_THE_START
    from_later: float = 0.0
    seen: int = 0

    @property
    def is_certain(self) -> bool:
        """Whether it has changed, but for the chance of ``error``."""
        return self.strength >= 1.0

    @property
    def strength(self) -> float:
        """How much of the evidence that is needed has come together, 1 being enough."""
        left = (1.0 - FROM_THE_START) * max(0, self.looks - self.seen) / self.looks
        return (self.from_start + self.from_later + left) * self.error

    def after(self, log_ratio: float) -> Suspicion:
        """With one more look; ``log_ratio`` is the logarithm of its likelihood ratio."""
        ratio = exp(max(-50.0, min(50.0, log_ratio)))
        begins = (1.0 - FROM_THE_START) / self.looks if self.seen < self.looks else 0.0
        return replace(
            self,
            from_start=min(self.from_start * ratio, 1e30),
            from_later=min((self.from_later + begins) * ratio, 1e30),
            seen=self.seen + 1,
        )


def share_log_ratio(n: int, bad: int, usual: float, feared: float) -> float:
    """Of ``bad`` among ``n``: how much better a share ``feared`` explains them than ``usual``."""
    return bad * log(feared / usual) + (n - bad) * (log1p(-feared) - log1p(-usual))


def rate_log_ratio(count: int, exposure: float, usual: float, feared: float) -> float:
    """Of ``count`` events in ``exposure``: the same, for rates (Poisson)."""
    return count * log(feared / usual) - exposure * (feared - usual)


def highest_share(n: int, bad: int, error: float) -> float:
    """The highest share that ``bad`` among ``n`` leave possible, but for the chance ``error``.

    Exact (Clopper and Pearson 1934); 1 where there was nothing to see.
    """
    if n == 0 or bad >= n:
        return 1.0
    return _root(lambda share: _binomial_at_most(n, bad, share) - error, bad / n, 1.0)


def highest_rate(count: int, exposure: float, error: float) -> float:
    """The highest rate that ``count`` events in ``exposure`` leave possible. Exact (Garwood)."""
    if exposure <= 0:
        raise ValueError("a rate needs time to be seen in")
    most = count + 10.0 + 10.0 * count**0.5 - log(error)
    return _root(lambda mean: _poisson_at_most(count, mean) - error, float(count), most) / exposure


def usual_error(error: float) -> tuple[float, float]:
    """An error split between not knowing how it was before, and the looks themselves."""
    return error * _BOUND_ERROR, error * (1.0 - _BOUND_ERROR)


def is_share_above(n: int, bad: int, share: float, error: float) -> bool:
    """Whether ``bad`` among ``n`` prove, in one look, a share above ``share``."""
    return bad > n * share and 1.0 - _binomial_at_most(n, bad - 1, share) <= error


def _binomial_at_most(n: int, count: int, share: float) -> float:
    if share >= 1.0:
        return 0.0
    return fsum(
        exp(
            lgamma(n + 1)
            - lgamma(k + 1)
            - lgamma(n - k + 1)
            + k * log(share)
            + (n - k) * log1p(-share)
        )
        for k in range(count + 1)
    )


def _poisson_at_most(count: int, mean: float) -> float:
    if mean <= 0:
        return 1.0
    return fsum(exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(count + 1))


def _root(decreasing: Callable[[float], float], low: float, high: float) -> float:
    """Where a decreasing function crosses zero, by halving."""
    for _ in range(60):
        middle = (low + high) / 2
        if decreasing(middle) > 0:
            low = middle
        else:
            high = middle
    return high
