"""Watching: a signal is looked at again and again, until its time is over.

Source: CATALOG.md, "The watch". Every signal is looked at once per interval, all at the same
beats. A P1 is confirmed by three failures in a row, and ends the watch at once; anything else
lets it go on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from msgspec import Struct

from pytest_chefrelease.checks.watch_signals import Signals
from pytest_chefrelease.checks.watch_summary import Observation, sum_up
from pytest_chefrelease.runbook.item import Severity
from pytest_chefrelease.runbook.outcome import Outcome, Result

T = TypeVar("T")
CONFIRMATIONS = 3
_EARLY = 0.01
"""Timers fire a little early: so much of an interval still belongs to the next beat."""


@dataclass(slots=True)
class Attendance:
    """When somebody looked during a watch and saw how it is, in seconds of the watch."""

    _open: list[float] = field(default_factory=list)
    _spans: list[tuple[float, float]] = field(default_factory=list)

    @property
    def looks(self) -> int:
        """How many looks saw how it is."""
        return len(self._spans)

    def begin(self, at: float) -> None:
        """A look begins."""
        self._open.append(at)

    def end(self, began: float, at: float, *, saw: bool) -> None:
        """The look that ``began`` ends; ``saw`` says whether it passed or failed."""
        self._open.remove(began)
        if saw:
            self._spans.append((began, at))

    def unattended(self, interval_s: float, until_s: float) -> list[int]:
        """The whole intervals, from 0, in which no look saw anything or is under way."""
        spans = [*self._spans, *((began, until_s) for began in self._open)]
        attended: set[int] = set()
        for began, ended in spans:
            attended.update(range(beat(began, interval_s), beat(ended, interval_s) + 1))
        return [i for i in range(max(1, beat(until_s, interval_s))) if i not in attended]


@dataclass(slots=True)
class Watch:
    """The time that a run watches, in seconds of ``clock``, from its making on.

    ``clock`` does not go backwards and need not go on while the machine sleeps; ``wall``
    does. ``active`` counts the checks that are under way.
    """

    length_s: float
    interval_s: float
    ended_because: str | None = None
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    started: float = field(init=False)
    attendance: Attendance = field(default_factory=Attendance)
    signals: Signals = field(default_factory=Signals)
    active: int = 0
    _noted: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.started = self.clock()

    @property
    def elapsed_s(self) -> float:
        """Seconds watched so far."""
        return self.clock() - self.started

    @property
    def remaining_s(self) -> float:
        """Seconds left; 0 when the watch is over."""
        return 0.0 if self._ended.is_set() else max(0.0, self.length_s - self.elapsed_s)

    def note(self, signal: str, value: float) -> Sequence[tuple[float, float]]:
        """Keep what a look at a signal measured; gives all of it, with the seconds of the watch."""
        noted = self._noted.setdefault(signal, [])
        noted.append((self.elapsed_s, value))
        return tuple(noted)

    def end(self, reason: str) -> None:
        """End the watch before its time. The first reason stands."""
        if self.ended_because is None:
            self.ended_because = reason
        self._ended.set()

    async def pause(self, seconds: float) -> bool:
        """Wait; False when the watch is over instead, at once if it ends meanwhile."""
        wait = max(0.0, min(seconds, self.remaining_s))
        try:
            await asyncio.wait_for(self._ended.wait(), timeout=wait)
        except TimeoutError:
            return self.remaining_s > 0
        return False

    async def until_next_beat(self) -> bool:
        """Wait for the next interval, so that beats do not drift; False as ``pause`` says."""
        due = (beat(self.elapsed_s, self.interval_s) + 1) * self.interval_s
        return await self.pause(due - self.elapsed_s)

    async def unless_ended(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """What ``work`` gives; None when the watch is ended meanwhile, and work is cancelled."""
        working, ended = asyncio.ensure_future(work()), asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait({working, ended}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else None
        finally:
            working.cancel()
            ended.cancel()
            await asyncio.gather(working, ended, return_exceptions=True)

    @contextmanager
    def taking_part(self) -> Iterator[None]:
        """A check is under way, and counted as active."""
        self.active += 1
        try:
            yield
        finally:
            self.active -= 1


def beat(at: float, interval_s: float) -> int:
    """The number of the interval, from 0, in which a time lies."""
    return int(at / interval_s + _EARLY)


class Look(Struct, frozen=True):
    """One look at a signal; ``is_final`` says that no later look can see anything else."""

    result: Result
    is_final: bool = False


async def observe(
    look: Callable[[], Awaitable[Look]],
    watch: Watch,
    *,
    may_end: bool = True,
    say: Callable[[str], None] = lambda _line: None,
    alarm: Callable[[Result, float], str] = lambda result, _: result.summary,
) -> Result:
    """Look once per interval until the watch is over or a P1 is confirmed.

    ``may_end`` is False for a signal that does not count yet; ``say`` shows a line when the
    signal changes between well and failed, and ``alarm`` words what is said of a confirmed P1
    that first failed so many seconds ago.
    """
    seen: list[Observation] = []
    while True:
        began = watch.elapsed_s
        # The first look is never cut short: without it there would be nothing to report.
        attending = partial(_attend, look, watch)
        looked = await (watch.unless_ended(attending) if seen else attending())
        if looked is None:
            return sum_up(seen, watch.length_s, watch.elapsed_s)
        if looked.is_final and not seen:
            return looked.result
        seen.append((began, looked.result))
        watch.signals.saw(began, looked.result)
        _tell_change(seen, say)
        if may_end and _is_confirmed(seen):
            watch.end(f"{looked.result.label} failed {CONFIRMATIONS} times in a row")
            say(alarm(looked.result, watch.elapsed_s - _failing_since(seen)))
        if not await watch.until_next_beat():
            return sum_up(seen, watch.length_s, watch.elapsed_s)


async def _attend(look: Callable[[], Awaitable[Look]], watch: Watch) -> Look:
    began, saw = watch.elapsed_s, False
    watch.attendance.begin(began)
    try:
        looked = await look()
        saw = looked.result.outcome in (Outcome.PASSED, Outcome.FAILED)
        return looked
    finally:
        watch.attendance.end(began, watch.elapsed_s, saw=saw)


def _is_confirmed(seen: Sequence[Observation]) -> bool:
    """Whether the last looks all saw a P1 that blocks."""
    last = [result for _, result in seen[-CONFIRMATIONS:]]
    return len(last) == CONFIRMATIONS and all(
        result.blocks and result.severity is Severity.P1 for result in last
    )


def _failing_since(seen: Sequence[Observation]) -> float:
    """When the failures that stand now began, in seconds of the watch."""
    since = seen[-1][0]
    for at, result in reversed(seen):
        if result.outcome is not Outcome.FAILED:
            break
        since = at
    return since


def _tell_change(seen: Sequence[Observation], say: Callable[[str], None]) -> None:
    """Say what fails or cannot be read from now on, and that it is well or read again."""
    at, now = seen[-1]
    before = seen[-2][1].outcome if len(seen) > 1 else Outcome.PASSED
    if now.outcome is before:
        return
    when = f"{at:.0f} s into the watch"
    if now.outcome is Outcome.FAILED:
        say(f"{now.label} fails, {when}: {now.summary}")
    elif now.outcome is Outcome.UNVERIFIED:
        say(f"{now.label} cannot be read, {when}: {now.summary}")
    elif now.outcome is Outcome.PASSED:
        again = "is well" if before is Outcome.FAILED else "can be read"
        say(f"{now.label} {again} again, {when}")
