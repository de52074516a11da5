"""How often a watch cries wolf, and how soon it finds what is wrong, by simulated watches.

``python -m benchmarks.watch_decisions`` simulates watches of 15 minutes and decides each by the
code that decides in the gate: the rules of the log (``runbook/log_rules.py``), with a look every
five seconds, and ``latency.p95`` of an endpoint (``runbook/slow_watch.py``), with the 3,000
requests that the gate sends. It measures no time of this machine, and prints the same on every
one.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from pytest_chefrelease.runbook import log_rules
from pytest_chefrelease.runbook.log_rules import Refusals
from pytest_chefrelease.runbook.log_tally import Minute, Tally
from pytest_chefrelease.runbook.p95 import Judgement
from pytest_chefrelease.runbook.sequential import is_share_above
from pytest_chefrelease.runbook.slow_watch import judge

WATCHES, FAULTY = 1_000, 200
WATCH_S, EVERY_S = 900, 5
LOOKS = WATCH_S // EVERY_S
PER_LOOK = 20
"""Requests between two looks: four a second."""
PROBED = 3_000
"""Requests of ``latency.p95`` over a watch: its budget by default."""
SLOW = 0.05
"""As many as may be: P95 exactly at the limit, the hardest case of all that is well."""
WELL = 0.02
ALLOWED_FALSE = 0.05
ALLOWED_MEDIAN_S = 300.0


@dataclass(frozen=True)
class Site:
    """What visitors of a site meet: the share of 5xx, and 401s a minute."""

    errors: float = 0.002
    refused_per_min: float = 3.0


USUAL = Site()
Alarm = Callable[[random.Random], int | None]
"""Simulates a watch; the seconds after which it was alarmed, None where it never was."""


def watch_log(chance: random.Random, now: Site) -> int | None:
    """A watch by the log of ``now``, after an hour of the usual."""
    before, refused = Minute(3_600 * 4), 0
    before.errors = _count(chance, before.requests, USUAL.errors)
    refused = _count(chance, 3_600, USUAL.refused_per_min / 60)
    usual, tally = Refusals(refused, 60.0), Tally()
    for look in range(LOOKS):
        ended_ms = (look + 1) * EVERY_S * 1_000 - 1
        minute = tally.at(ended_ms)
        minute.requests += PER_LOOK
        minute.errors += _count(chance, PER_LOOK, now.errors)
        minute.refused += _count(chance, EVERY_S * 10, now.refused_per_min / 600)
        tally.last_ms = ended_ms
        if (
            log_rules.is_above_share(tally.minutes, log_rules.MOST_SHARE)
            or log_rules.is_more_than_before(tally.minutes, before)
            or log_rules.are_refusals_jumping(tally, 0, usual)
        ):
            return (look + 1) * EVERY_S
    return None


@dataclass(frozen=True)
class Probing:
    """What the gate sends over a watch: requests to each of its endpoints."""

    requests: int
    endpoints: int


ONE = Probing(PROBED, 1)
TWELVE = Probing(1_500, 12)
"""The routes and smoke endpoints of the default profile, at 20 requests a second to a host."""


def watch_slow(
    chance: random.Random, share: float, begins_s: int = 0, by: Probing = ONE
) -> int | None:
    """A watch of P95, whose share of slow answers changes from the usual at a time.

    The seconds until ``latency.p95`` failed; its last chance is the look at the end.
    """
    first = begins_s * by.requests // WATCH_S
    over = _slow(chance, by.requests, share, first)
    watched = judge(over, by.requests, by.endpoints, WATCH_S)
    if watched.judgement is not Judgement.OVER:
        return None
    found = by.requests if watched.found_at is None else watched.found_at
    return round((found - first) * WATCH_S / by.requests)


def _slow(chance: random.Random, requests: int, share: float, first: int) -> list[bool]:
    return [chance.random() < (share if turn >= first else SLOW) for turn in range(requests)]


def judged_well(chance: random.Random, share: float, watches: int) -> int:
    """Of watches with so many slow answers: how many ``latency.p95`` passed."""
    judged = (judge(_slow(chance, PROBED, share, 0), PROBED, 1, WATCH_S) for _ in range(watches))
    return sum(each.judgement is Judgement.UNDER for each in judged)


def watch_plainly(chance: random.Random) -> int | None:
    """The same with a plain test at 5 % in each look, as it should not be done."""
    slow = 0
    for look in range(LOOKS):
        slow += _count(chance, PER_LOOK, SLOW)
        if is_share_above((look + 1) * PER_LOOK, slow, SLOW, 0.05):
            return (look + 1) * EVERY_S
    return None


def false_alarms(chance: random.Random, watches: int) -> tuple[int, int, int]:
    """Of healthy watches: alarmed by the log, by slow answers, by one or the other."""
    log = [watch_log(chance, USUAL) is not None for _ in range(watches)]
    slow = [watch_slow(chance, SLOW) is not None for _ in range(watches)]
    return sum(log), sum(slow), sum(a or b for a, b in zip(log, slow, strict=True))


def found_after(chance: random.Random, alarm: Alarm, watches: int) -> tuple[float, int]:
    """The median of the seconds until the alarm, and how many watches were never alarmed."""
    took = [alarm(chance) for _ in range(watches)]
    missed = sum(each is None for each in took)
    return median(WATCH_S if each is None else each for each in took), missed


FAULTS: tuple[tuple[str, Alarm], ...] = (
    ("slow answers doubled by the release", lambda c: watch_slow(c, 2 * SLOW)),
    ("slow answers doubled after 5 min", lambda c: watch_slow(c, 2 * SLOW, 300)),
    ("the same, as one of 12 endpoints", lambda c: watch_slow(c, 2 * SLOW, 300, TWELVE)),
    ("5xx from 0.2 % to 2 %", lambda c: watch_log(c, Site(errors=0.02))),
    ("5xx from 0.2 % to 10 %", lambda c: watch_log(c, Site(errors=0.10))),
    ("401s from 3 to 90 a minute", lambda c: watch_log(c, Site(refused_per_min=90.0))),
)


def main() -> None:
    """Print the shares of false alarms, and the times until faults are found."""
    chance = random.Random(2026)
    log, slow, either = false_alarms(chance, WATCHES)
    plain = sum(watch_plainly(chance) is not None for _ in range(FAULTY))
    print(f"{WATCHES:,} healthy watches of {WATCH_S // 60} min, a look every {EVERY_S} s:")
    print(f"  alarmed by the log              {log / WATCHES:.1%}")
    print(f"  alarmed by latency.p95          {slow / WATCHES:.1%}")
    print(f"  alarmed by one of them          {either / WATCHES:.1%}, at most", end=" ")
    print(f"{ALLOWED_FALSE:.0%} wanted")
    print(f"  by a plain test in each look    {plain / FAULTY:.1%}")
    for share in (WELL, 2 * SLOW):
        passed = judged_well(chance, share, FAULTY) / FAULTY
        print(f"  latency.p95 passes with {share:.0%} over the limit in {passed:.1%}")
    print(f"{FAULTY} watches each of what is wrong, the median until it is found:")
    for title, alarm in FAULTS:
        took_s, missed = found_after(chance, alarm, FAULTY)
        print(f"  {title:<37} {took_s:>4.0f} s, never in {missed}", end="")
        print(
            f" (below {ALLOWED_MEDIAN_S:.0f} s wanted)"
            if "5xx" not in title and "401" not in title
            else ""
        )


def _count(chance: random.Random, n: int, share: float) -> int:
    return sum(chance.random() < share for _ in range(n))


if __name__ == "__main__":
    main()
