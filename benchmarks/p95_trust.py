"""Whether P95's interval and decision keep their word, over seeded runs of simulated sampling.

Each run samples as the gate does: 300 requests at 10 a second, then on, batch by batch, up
to ten times that while undecided. The hardest case is a limit that is exactly the true P95.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

from pytest_chefrelease.runbook.p95 import Bounds, Judgement, interval_ranks, judge, plan, quantiles

RUNS, DECISIONS = 400, 20_000
REQUESTS, LOOKS, RATE = 300, 10, 10
Draw = Callable[[random.Random], Callable[[float], float]]
"""Makes a run's server: a function from the time of arrival, in seconds, to a latency in ms."""


@dataclass(frozen=True, slots=True)
class Known:
    """A kind of server whose P95 is known; infinity is a request that failed."""

    name: str
    p95_ms: float
    serve: Draw


def constant() -> Known:
    return Known("constant", 20.0, lambda _draw: lambda _at: 20.0)


def log_normal() -> Known:
    mu, sigma = math.log(80), 0.6
    truth = math.exp(mu + sigma * NormalDist().inv_cdf(0.95))
    return Known("log-normal", truth, lambda draw: lambda _at: draw.lognormvariate(mu, sigma))


def bimodal() -> Known:
    """92 % about 50 ms, 8 % between 600 and 1,000 ms."""
    truth = 600 + 400 * (1 - 0.05 / 0.08)

    def serve(draw: random.Random) -> Callable[[float], float]:
        return lambda _at: draw.uniform(600, 1000) if draw.random() < 0.08 else draw.gauss(50, 5)

    return Known("bimodal", truth, serve)


def errors() -> Known:
    """2 % fail, the others are uniform between 10 and 110 ms."""
    truth = 10 + 100 * (0.95 / 0.98)

    def serve(draw: random.Random) -> Callable[[float], float]:
        return lambda _at: math.inf if draw.random() < 0.02 else draw.uniform(10, 110)

    return Known("with errors", truth, serve)


def periodic_stalls() -> Known:
    """2 s in every 20 s nothing is answered, else in 10 ms: half of the stalled wait over 1 s."""

    def serve(draw: random.Random) -> Callable[[float], float]:
        phase = draw.uniform(0, 20)

        def latency(at: float) -> float:
            into = (at + phase) % 20
            return 10.0 + (2 - into) * 1000 if into < 2 else draw.uniform(9, 11)

        return latency

    return Known("stalls, regular", 1010.0, serve)


def random_stalls() -> Known:
    """The same share of stalls, each after a pause of random length: not independent."""

    def serve(draw: random.Random) -> Callable[[float], float]:
        stalls: list[float] = []
        at = -100.0
        while at < REQUESTS * LOOKS / RATE:
            at += draw.expovariate(1 / 18)
            stalls.append(at)
            at += 2
        return lambda at: max(
            (10 + (s + 2 - at) * 1000 for s in stalls if s <= at < s + 2), default=10.0
        )

    return Known("stalls, at random", 1010.0, serve)


KINDS = (constant, log_normal, bimodal, errors, periodic_stalls)


def main() -> None:
    """Print coverage and wrong decisions for each kind of server."""
    print(f"Interval of P95 over {RUNS} seeded runs; at least 93 of 100 wanted:")
    print("  server              300 requests   sampled on, limit at P95")
    for kind in KINDS:
        known = kind()
        fixed = _coverage(known, looks=1)
        sequential = _coverage(known, looks=LOOKS)
        print(f"  {known.name:<18}  {fixed:>12.1%}   {sequential:>24.1%}")
    rare = _coverage(random_stalls(), looks=1)
    print(
        f"Where requests are not independent (stalls at random, three a minute): {rare:.1%} with "
        "300 requests in 30 s: what does not happen in that time is not seen"
    )
    print(
        f"Decisions over {DECISIONS} runs, the limit exactly at P95; false PASS at most 5 % wanted:"
    )
    decided = _decisions(0.05)
    print(f"  false PASS {decided[Judgement.UNDER] / DECISIONS:.1%}, ", end="")
    print(f"false FAIL {decided[Judgement.OVER] / DECISIONS:.1%}, ", end="")
    print(f"HOLD {decided[Judgement.UNDECIDED] / DECISIONS:.1%}")
    for share, right in ((0.02, Judgement.UNDER), (0.10, Judgement.OVER)):
        decided = _decisions(share)
        rate = decided[right] / DECISIONS
        print(f"  {share:.0%} of requests over the limit: {right} in {rate:.1%}")


def _coverage(known: Known, looks: int) -> float:
    planned = plan(REQUESTS, looks, 1)
    held = 0
    for seed in range(RUNS):
        serve = known.serve(random.Random(seed))
        shots: list[float] = []
        for look in planned:
            shots += [serve(place / RATE) for place in range(len(shots), look.n)]
            over = [ms >= known.p95_ms for ms in shots]
            if judge(planned, over)[0] is not Judgement.UNDECIDED:
                break
        ranks = interval_ranks(len(shots), REQUESTS, looks)
        seen = quantiles([None if ms == math.inf else ms for ms in shots], ranks)
        low = math.inf if seen.p95_low_ms is None else seen.p95_low_ms
        high = math.inf if seen.p95_high_ms is None else seen.p95_high_ms
        held += low <= known.p95_ms <= high
    return held / RUNS


def _decisions(share: float) -> Counter[Judgement]:
    """What runs decide where that share of requests is over, one independently of another."""
    planned = plan(REQUESTS, LOOKS, 1)
    draw = random.Random(95)
    return Counter(_decide(planned, share, draw) for _ in range(DECISIONS))


def _decide(planned: tuple[Bounds, ...], share: float, draw: random.Random) -> Judgement:
    over = 0
    for look in planned:
        over += _count(REQUESTS, share, draw)
        judgement = look.judge(over)
        if judgement is not Judgement.UNDECIDED:
            return judgement
    return Judgement.UNDECIDED


def _count(n: int, share: float, draw: random.Random) -> int:
    """How many of ``n`` requests are over: by leaping from one to the next."""
    place = count = 0
    while True:
        place += 1 + int(math.log(1 - draw.random()) / math.log(1 - share))
        if place > n:
            return count
        count += 1


if __name__ == "__main__":
    main()
