"""Whether answers became slower: two samples' P50 and P95, the difference and its interval.

Nothing is assumed of the distribution: each quantile is bounded by order statistics, so a
sample is remembered by seven numbers. The bounds of four quantiles (P50 and P95, before and
after) share 5 %: the chance that unchanged answers are called slower is at most that, and in
practice far less, since both samples would have to err at once. P50 sees that all answers
have shifted, P95 that the slow ones have.

Source: CATALOG.md, latency.regression and latency.calibration; FACTS.md, Kayenta's judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, inf, isfinite
from typing import Self

from msgspec import Struct

from pytest_chefrelease.runbook import p95
from pytest_chefrelease.runbook.evidence import Scalar
from pytest_chefrelease.runbook.outcome import Result

ERROR = 0.05 / 4
"""The chance that one bound of one quantile is wrong."""

LEAST_REQUESTS = 86
"""Fewer have no upper bound of P95 with this error: 0.95 ** 85 is over 0.0125."""

REGRESSION, CALIBRATION = "latency.regression", "latency.calibration"
"""The items that measure for a comparison."""

QUANTILES: Mapping[str, float] = {"p50": 0.5, "p95": p95.SHARE}
"""By name, the share of requests above them."""


class Quantile(Struct, frozen=True):
    """A quantile of a sample with its bounds, in milliseconds; infinite: beyond any limit."""

    ms: float
    low_ms: float
    high_ms: float


class Figures(Struct, frozen=True):
    """What is remembered of ``n`` requests."""

    n: int
    p50: Quantile
    p95: Quantile

    @property
    def quantiles(self) -> Mapping[str, Quantile]:
        """By name."""
        return {"p50": self.p50, "p95": self.p95}

    def facts(self) -> dict[str, float | None]:
        """As plain numbers, the unit in each name; None is beyond any limit."""
        found: dict[str, float | None] = {"n": self.n}
        for name, of in self.quantiles.items():
            for part, value in (("", of.ms), ("low_", of.low_ms), ("high_", of.high_ms)):
                found[f"{name}_{part}ms"] = round(value, 2) if isfinite(value) else None
        return found

    @classmethod
    def from_facts(cls, facts: Mapping[str, object]) -> Self:
        """From ``facts`` and others among them. Raises ValueError where they hold no figures."""
        n = facts.get("n")
        names = [f"{name}_{part}ms" for name in QUANTILES for part in ("", "low_", "high_")]
        if not isinstance(n, int) or n < 1 or any(name not in facts for name in names):
            raise ValueError("these facts hold no figures of latency")
        numbers = [_ms(facts[name]) for name in names]
        return cls(n, Quantile(*numbers[:3]), Quantile(*numbers[3:]))


def _ms(value: object) -> float:
    return float(value) if isinstance(value, int | float) else inf


def figures(latencies_ms: Sequence[float | None]) -> Figures:
    """The figures of a sample that is not empty; None is a request that failed."""
    slowest_first = sorted((inf if ms is None else ms for ms in latencies_ms), reverse=True)
    found = [_quantile(slowest_first, share) for share in QUANTILES.values()]
    return Figures(len(slowest_first), *found)


def _quantile(slowest_first: Sequence[float], share: float) -> Quantile:
    n = len(slowest_first)
    ranks = p95.bounds(n, under_error=ERROR, over_error=ERROR, share=share)
    # Rounded first: 100 * (1 - 0.05) is 95.00000000000001 to a computer, or less than 95.
    rank = max(1, ceil(round(n * (1 - share), 6)))
    high = ranks.under_at_most
    return Quantile(
        ms=slowest_first[n - rank],
        low_ms=slowest_first[min(ranks.over_at_least, n) - 1],
        high_ms=slowest_first[high] if high >= 0 else inf,
    )


Noise = Mapping[str, float]
"""By quantile, the milliseconds that two measurements of the same version differed by."""


class Margin(Struct, frozen=True):
    """What makes a difference relevant: ``share`` of what was before, and ``least_ms``."""

    share: float
    least_ms: float


class Difference(Struct, frozen=True):
    """How much slower one quantile became, by what interval, and whether that counts.

    ``noise_ms`` is what two measurements of one version differed by: a difference has to be
    surely above it. ``needed_ms`` is the margin that makes it relevant.
    """

    quantile: str
    before_ms: float
    after_ms: float
    low_ms: float
    high_ms: float
    noise_ms: float
    needed_ms: float

    @property
    def ms(self) -> float:
        """By how much; negative: quicker."""
        return self.after_ms - self.before_ms

    @property
    def is_slower(self) -> bool:
        """Whether it is slower significantly (surely more than noise) and relevantly."""
        return self.low_ms > self.noise_ms and self.ms >= self.needed_ms


def differences(
    before: Figures, after: Figures, margin: Margin, noise: Noise | None = None
) -> tuple[Difference, ...]:
    """P50's and P95's; a quantile that failed before is left out: nothing can be slower."""
    found = []
    for name, then in before.quantiles.items():
        now = after.quantiles[name]
        if not isfinite(then.ms):
            continue
        found.append(
            Difference(
                quantile=name.upper(),
                before_ms=then.ms,
                after_ms=now.ms,
                low_ms=now.low_ms - then.high_ms if isfinite(then.high_ms) else -inf,
                high_ms=now.high_ms - then.low_ms,
                noise_ms=(noise or {}).get(name, 0.0),
                needed_ms=max(margin.least_ms, margin.share * then.ms),
            )
        )
    return tuple(found)


def noise_of(first: Figures, second: Figures) -> dict[str, float]:
    """What two measurements of one version differ by, either way; infinite where one failed."""
    pairs = {name: (of.ms, second.quantiles[name].ms) for name, of in first.quantiles.items()}
    return {
        name: abs(one - other) if isfinite(one) and isfinite(other) else inf
        for name, (one, other) in pairs.items()
    }


class Measured(Struct, frozen=True):
    """What is remembered of an endpoint; ``noise`` where it was measured twice."""

    endpoint: str
    figures: Figures
    noise: Noise | None = None

    def facts(self) -> dict[str, Scalar]:
        """As plain numbers; a noise of None is infinite."""
        noise = (self.noise or {}).items()
        told = {f"noise_{name}_ms": round(ms, 2) if isfinite(ms) else None for name, ms in noise}
        return {**self.figures.facts(), **told}

    @classmethod
    def from_facts(cls, endpoint: str, facts: Mapping[str, object]) -> Self:
        """From ``facts``. Raises ValueError where they hold no figures."""
        noise = {n: _ms(facts[f"noise_{n}_ms"]) for n in QUANTILES if f"noise_{n}_ms" in facts}
        return cls(endpoint, Figures.from_facts(facts), noise or None)


def measured_in(result: Result) -> Iterator[Measured]:
    """What a later release is compared with: what these two items have measured."""
    facts = result.evidence.facts if result.evidence else {}
    if result.item.id == REGRESSION and result.parameter and "p95_low_ms" in facts:
        yield Measured.from_facts(result.parameter, facts)
    if result.item.id == CALIBRATION and isinstance(told := facts.get("endpoints"), list):
        for each in told:
            if isinstance(each, dict):
                yield Measured.from_facts(str(each["endpoint"]), each)
