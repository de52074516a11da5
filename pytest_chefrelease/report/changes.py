"""What differs from an earlier run of the same stage: newly red, newly waived, mended, slower."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_chefrelease.report.readable import fact, number
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.record import StageRecord

_SLOWER_BY = 1.10
"""A measured time counts as changed from a tenth on; whether that matters, its item says."""

_TIMES = ("p95_ms", "duration_ms", "settled_ms")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: ``kind`` is ``newly failed``, ``newly waived``, ``mended`` or ``slower``."""

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
        Change("newly failed", r.label, r.summary) for r in new if r.outcome is Outcome.FAILED
    ]
    order = ("newly failed", "newly unverified", "newly waived", "slower", "mended")
    return sorted(found, key=lambda change: order.index(change.kind))


def _compare(now: Result, then: Result) -> Iterator[Change]:
    if now.outcome is not then.outcome:
        if now.outcome in (Outcome.FAILED, Outcome.UNVERIFIED, Outcome.WAIVED):
            yield Change(f"newly {now.outcome}", now.label, now.summary)
        elif now.outcome is Outcome.PASSED and then.outcome is Outcome.FAILED:
            yield Change("mended", now.label, now.summary)
    yield from _slower(now, then)


def _slower(now: Result, then: Result) -> Iterator[Change]:
    for name in _TIMES:
        values = [r.evidence.facts.get(name) if r.evidence else None for r in (now, then)]
        after, earlier = (v if isinstance(v, int | float) else 0.0 for v in values)
        if earlier > 0 and after > earlier * _SLOWER_BY:
            label, shown = fact(name, after)
            by = number((after / earlier - 1) * 100)
            words = f"{label} {shown}, was {fact(name, earlier)[1]} ({by} % more)"
            yield Change("slower", now.label, words)
