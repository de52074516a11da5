"""The watch: a signal is looked at again and again, and what was seen becomes one result.

Source: CATALOG.md, "The watch". A P1 is confirmed by three failures in a row and ends the
watch at once; a failure that recovered is reported with its duration; the last five minutes
(or the last third of a shorter watch) must be free of failures.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pytest_chefrelease.runbook.evidence import Evidence, Timeline
from pytest_chefrelease.runbook.item import Severity
from pytest_chefrelease.runbook.outcome import Outcome, Result

CONFIRMATIONS = 3
_CLEAN_END_S = 300.0
Observation = tuple[float, Result]


@dataclass(slots=True)
class Watch:
    """The time that a run watches, in seconds of the monotonic clock, from its making on."""

    length_s: float
    interval_s: float
    ended_because: str | None = None
    started: float = field(default_factory=time.monotonic)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def elapsed_s(self) -> float:
        """Seconds watched so far."""
        return time.monotonic() - self.started

    @property
    def remaining_s(self) -> float:
        """Seconds left; 0 when the watch is over."""
        return 0.0 if self._ended.is_set() else max(0.0, self.length_s - self.elapsed_s)

    def end(self, reason: str) -> None:
        """End the watch before its time. The first reason stands."""
        if self.ended_because is None:
            self.ended_because = reason
        self._ended.set()

    async def pause(self, seconds: float) -> bool:
        """Wait; False when the watch is over instead, at once if it ends meanwhile."""
        wait = min(seconds, self.remaining_s)
        try:
            await asyncio.wait_for(self._ended.wait(), timeout=wait)
        except TimeoutError:
            return self.remaining_s > 0
        return False


async def observe(look: Callable[[], Awaitable[Result]], watch: Watch) -> Result:
    """Look once per interval until the watch is over or a P1 is confirmed."""
    seen: list[Observation] = []
    failures = 0
    while True:
        began = watch.elapsed_s
        result = await look()
        seen.append((began, result))
        failures = failures + 1 if result.outcome is Outcome.FAILED else 0
        if result.outcome is Outcome.NOT_APPLICABLE:
            return result
        if failures >= CONFIRMATIONS and result.blocking and result.severity is Severity.P1:
            watch.end(f"{result.label} failed {failures} times in a row")
            return sum_up(seen, watch, is_confirmed=True)
        if not await watch.pause(watch.interval_s - (watch.elapsed_s - began)):
            return sum_up(seen, watch)


def sum_up(seen: Sequence[Observation], watch: Watch, *, is_confirmed: bool = False) -> Result:
    """One result from all observations of a signal, with their timeline."""
    last_at, last = seen[-1]
    tail = last_at - min(_CLEAN_END_S, watch.length_s / 3)
    late = [r for at, r in seen if at >= tail]
    failed = [r for _, r in seen if r.outcome is Outcome.FAILED]
    unverified = [r for r in late if r.outcome is Outcome.UNVERIFIED]
    if is_confirmed or any(r.outcome is Outcome.FAILED for r in late):
        decisive = next(r for r in reversed(late) if r.outcome is Outcome.FAILED)
        note = f"{len(failed)} of {len(seen)} looks failed"
        since = _first_failure_at(seen)
        summary = f"{decisive.summary} ({note}, since {since:.0f} s into the watch)"
        return _with_timeline(replace(decisive, summary=summary), seen, watch)
    if unverified:
        summary = f"{unverified[-1].summary} ({len(unverified)} of the last {len(late)} looks)"
        return _with_timeline(replace(unverified[-1], summary=summary), seen, watch)
    summary = f"{last.summary} ({len(seen)} looks in {watch.elapsed_s:.0f} s)"
    if failed:
        summary += f"; recovered: failed {len(failed)} times, {_spans(seen)}"
    return _with_timeline(replace(last, summary=summary), seen, watch)


def _first_failure_at(seen: Sequence[Observation]) -> float:
    """When the failure that stands at the end began, in seconds."""
    began = seen[-1][0]
    for at, result in reversed(seen):
        if result.outcome is not Outcome.FAILED and began != seen[-1][0]:
            break
        if result.outcome is Outcome.FAILED:
            began = at
    return began


def _spans(seen: Sequence[Observation]) -> str:
    """The spans of failure: ``from 4 s for 7 s``."""
    spans: list[str] = []
    began: float | None = None
    for at, result in seen:
        if result.outcome is Outcome.FAILED and began is None:
            began = at
        elif result.outcome is not Outcome.FAILED and began is not None:
            spans.append(f"from {began:.0f} s for {at - began:.0f} s")
            began = None
    return ", ".join(spans)


def _with_timeline(result: Result, seen: Sequence[Observation], watch: Watch) -> Result:
    seen_last = result.evidence or Evidence(result.summary, result.where, datetime.now(UTC))
    timeline = Timeline(f"{result.label} over the watch", watch.length_s, _changes(seen))
    failed = sum(r.outcome is Outcome.FAILED for _, r in seen)
    facts = {**seen_last.facts, "observations": len(seen), "failed_observations": failed}
    attachments = (timeline, *seen_last.attachments)
    return replace(result, evidence=replace(seen_last, facts=facts, attachments=attachments))


def _changes(seen: Sequence[Observation]) -> tuple[tuple[float, str, str], ...]:
    """The first observation and every one whose outcome differs from the one before."""
    marks: list[tuple[float, str, str]] = []
    for at, result in seen:
        if not marks or marks[-1][1] != result.outcome.value:
            marks.append((at, result.outcome.value, result.summary))
    return tuple(marks)
