"""What differs from an earlier run of the stage: newly red or waived, loosened, slower, mended."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from msgspec import Struct

from pytest_chefrelease.report.readable import duration, fact, number
from pytest_chefrelease.runbook.limits import Limit, Loosened, Looser, loosened
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.record import StageRecord

_SLOWER_BY = 1.10
"""A measured time counts as changed from a tenth on; whether that matters, its item says."""

_SLOWER_BY_MS = 10.0
"""Less is the machine's own noise, however large a share of a small time it is."""

_TIMES = ("p95_ms", "duration_ms", "settled_ms")


class Change(Struct, frozen=True):
    """One difference: ``kind`` is one of those below, ``label`` a check or a setting."""

    kind: str
    label: str
    words: str


def changes(record: StageRecord, previous: StageRecord) -> list[Change]:
    """The differences that a person who signs wants to know of, the gravest kind first."""
    before = {result.label: result for result in previous.results}
    pairs = [(r, before[r.label]) for r in record.results if r.label in before]
    new = [r for r in record.results if r.label not in before]
    found = [change for now, then in pairs for change in _compare(now, then)]
    found += [
        Change("newly failed", r.label, r.seen or r.summary)
        for r in new
        if r.outcome is Outcome.FAILED
    ]
    found += [_loosening(each) for each in loosened(record.limits, previous.limits)]
    return sorted(found, key=lambda change: _ORDER.index(change.kind))


_ORDER = ("newly failed", "newly unverified", "newly waived", "loosened", "slower", "mended")


def _loosening(change: Loosened) -> Change:
    entries = ", ".join(change.entries)
    if change.entries:
        verb = "also" if change.now.looser is Looser.MORE else "without"
        return Change("loosened", change.now.key, f"{verb} {entries}")
    return Change("loosened", change.now.key, f"{_shown(change.now)}, was {_shown(change.before)}")


def _shown(limit: Limit) -> str:
    value = limit.value
    if isinstance(value, tuple) or not isfinite(value):
        return "no limit"
    if limit.unit == "flag":
        return "on" if value else "off"
    return duration(value) if limit.unit == "s" else number(value)


def _compare(now: Result, then: Result) -> Iterator[Change]:
    if now.outcome is not then.outcome:
        if now.outcome in (Outcome.FAILED, Outcome.UNVERIFIED, Outcome.WAIVED):
            yield Change(f"newly {now.outcome}", now.label, now.seen or now.summary)
        elif now.outcome is Outcome.PASSED and then.outcome is Outcome.FAILED:
            yield Change("mended", now.label, now.summary)
    yield from _slower(now, then)


def _slower(now: Result, then: Result) -> Iterator[Change]:
    for name in _TIMES:
        values = [r.evidence.facts.get(name) if r.evidence else None for r in (now, then)]
        after, earlier = (v if isinstance(v, int | float) else 0.0 for v in values)
        if earlier > 0 and after > max(earlier * _SLOWER_BY, earlier + _SLOWER_BY_MS):
            label, shown = fact(name, after)
            by = number((after / earlier - 1) * 100)
            words = f"{label} {shown}, was {fact(name, earlier)[1]} ({by} % more)"
            yield Change("slower", now.label, words)
