"""P95 from a load test's histogram, with what it leaves open. Pure rules.

Two things are less certain here than with the prober's own requests. Locust rounds: 500 ms may
have been 495 or 505. And its users wait for an answer before they ask again, so while the server
stands still the requests that visitors would have sent are not sent, and nobody measures them
("coordinated omission"). Whatever may have been over counts against a pass, and only what
certainly was counts for a failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil
from statistics import median

from msgspec import Struct, field

from pytest_chefrelease.runbook.log_rules import judge_share
from pytest_chefrelease.runbook.log_tally import quantile_ms
from pytest_chefrelease.runbook.p95 import SHARE, Judgement

_IN_A_SPAN = 20
"""So many requests are expected in a span: half of them hardly ever are missing by chance."""
_LEAST_SPANS = 5
_LONGEST_S = 7 * 24 * 3600


class Entry(Struct, frozen=True):
    """What was asked by one method and name. Times are seconds since 1970, keys milliseconds."""

    name: str
    method: str | None
    num_requests: int
    num_failures: int
    start_time: float
    last_request_timestamp: float | None
    response_times: dict[int, int]
    num_none_requests: int = 0
    num_reqs_per_sec: dict[int, int] = field(default_factory=dict)

    @property
    def contradiction(self) -> str:
        """What in these counts cannot be; empty where they can."""
        counts = (
            *(self.num_requests, self.num_failures, self.num_none_requests),
            *self.response_times.values(),
            *self.num_reqs_per_sec.values(),
        )
        if min(*counts, *self.response_times) < 0:
            return "a count or a time is below zero"
        timed = sum(self.response_times.values()) + self.num_none_requests
        if timed != self.num_requests:
            return f"{self.num_requests} requests, and times of {timed}"
        seconds = self.num_reqs_per_sec or {0: 0}
        if max(seconds) - min(seconds) > _LONGEST_S:
            return "it lasted for more than a week"
        if self.num_failures > self.num_requests:
            return f"{self.num_failures} of {self.num_requests} requests failed"
        return ""


class Loaded(Struct, frozen=True):
    """An endpoint under load: requests, how many were over for certain and at most, and P95.

    ``not_sent`` is how many more there would have been, had Locust's users not had to wait.
    """

    n: int
    over: int
    over_at_most: int
    not_sent: int
    failures: int
    p95_ms: int | None
    p95_low_ms: float | None
    p95_high_ms: float | None

    @property
    def judgement(self) -> Judgement:
        """Whether P95 is proven to be under the limit, or over it."""
        if judge_share(self.n, self.over, SHARE) is Judgement.OVER:
            return Judgement.OVER
        at_worst = judge_share(self.n + self.not_sent, self.over_at_most + self.not_sent, SHARE)
        return at_worst if at_worst is Judgement.UNDER else Judgement.UNDECIDED


def loaded(entry: Entry, entries: Sequence[Entry], limit_ms: float) -> Loaded:
    """What an entry says against a limit; all ``entries`` of the run tell when it stood still."""
    times = entry.response_times
    certain = sum(count for ms, count in times.items() if _bounds(ms)[0] >= limit_ms)
    possible = sum(count for ms, count in times.items() if _bounds(ms)[1] >= limit_ms)
    untimed = entry.num_none_requests
    p95_ms = quantile_ms(times, 1 - SHARE) if any(times.values()) else None
    low, high = (None, None) if p95_ms is None else _bounds(p95_ms)
    return Loaded(
        n=entry.num_requests,
        over=max(certain, entry.num_failures),
        over_at_most=min(entry.num_requests, possible + entry.num_failures + untimed),
        not_sent=_not_sent(entry, entries),
        failures=entry.num_failures,
        p95_ms=p95_ms,
        p95_low_ms=low,
        p95_high_ms=high,
    )


def _bounds(ms: int) -> tuple[float, float]:
    """Between which times a time lies that Locust has rounded (``bucket_response_time``)."""
    half = next(
        (width for least, width in ((10_000, 500), (1_000, 50), (100, 5)) if ms >= least), 0.5
    )
    return max(0.0, ms - half), ms + half


def _not_sent(entry: Entry, entries: Sequence[Entry]) -> int:
    """How many requests of the entry are missing in spans with less than half of the usual.

    Before the usual rate is reached the users are still being started, which is no standstill.
    """
    whole: dict[int, int] = {}
    for each in entries:
        for second, count in each.num_reqs_per_sec.items():
            whole[second] = whole.get(second, 0) + count
    if not any(whole.values()):
        return 0
    # The first and the last second are parts of one.
    seconds = range(min(whole) + 1, max(whole))
    usual = median(whole.get(second, 0) for second in seconds) if seconds else 0
    rate = usual or sum(whole.values()) / (max(whole) - min(whole) + 1)
    size = max(1, ceil(_IN_A_SPAN / rate))
    edges = list(range(seconds.start, seconds.stop + 1, size))
    totals = [_within(whole, span) for span in pairwise(edges)]
    if len(totals) < _LEAST_SPANS:
        return 0
    own = [_within(entry.num_reqs_per_sec, span) for span in pairwise(edges)]
    usual_total, usual_own = median(totals), median(own)
    begun = next(n for n, total in enumerate(totals) if total >= usual_total)
    return sum(
        ceil(max(0, usual_own - mine))
        for total, mine in zip(totals[begun:], own[begun:], strict=True)
        if total < usual_total / 2
    )


def _within(counts: Mapping[int, int], span: tuple[int, int]) -> int:
    return sum(counts.get(second, 0) for second in range(*span))
