"""The watch itself: it ran its full time, awake, and somebody looked all the while."""

from __future__ import annotations

from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.watch_signals import in_a_line
from pytest_chefrelease.checks.watching import Watch
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.runbook.evidence import Evidence, Timeline
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage, Symptom

_LEAST_GAP_S = 1.0
"""A busy machine is late by less."""
_NOTHING = "nothing that is configured can be watched"
_AGAIN = "Run pytest -m monitoring again, for its full time, on a machine that stays awake."


class Gap(Struct, frozen=True):
    """A stretch of a watch in which nobody can have looked, in seconds."""

    at_s: float
    length_s: float
    cause: str


@check(
    Item(
        id="watch.complete",
        title="The watch ran its full time, with a look in every interval",
        stages=(Stage.MONITORING,),
        severity=Severity.P3,
        section=Section.MONITORING,
        quick_check=9,
        minimum=Minimum(counts={"observations": 1, "intervals": 1}),
        remedy=_AGAIN,
        paces_itself=True,
        symptom=Symptom.WATCH_INCOMPLETE,
    )
)
async def watch_complete(look: Context) -> Evidence:
    """Keep time beside the other signals, and count the intervals in which one of them saw."""
    watch = look.watch
    if watch is None:
        raise Unverified("there is no watch in this run", remedy="Run pytest -m monitoring.")
    gaps = await _keep_time(watch, look)
    seen = _evidence(watch, gaps, look)
    if watch.ended_because == _NOTHING:
        raise Unverified(_NOTHING, remedy="Pass --base-url=URL, or configure what to watch.")
    if watch.ended_because is not None:
        said = f"the watch ended after {_words(watch.elapsed_s)}: {watch.ended_because}"
        raise Failed(said, expected=_words(watch.length_s), evidence=seen)
    if gaps:
        worst = max(gaps, key=lambda gap: gap.length_s)
        said = f"nobody looked for {_words(worst.length_s)}, {worst.at_s:.0f} s into it: "
        raise Failed(said + worst.cause, expected="a watch without a gap", evidence=seen)
    _demand_looks(watch, seen)
    return seen


async def _keep_time(watch: Watch, look: Context) -> list[Gap]:
    """Wake at every beat until the watch is over; beats that came too late are gaps."""
    gaps: list[Gap] = []
    steady, wall, told_s = watch.clock(), watch.wall(), 0.0
    tell_every_s = min(60.0, max(watch.length_s / 10, 10.0))
    goes_on = True
    while goes_on:
        began_s = watch.elapsed_s
        goes_on = await watch.until_next_beat()
        before, steady = steady, watch.clock()
        wall_before, wall = wall, watch.wall()
        gaps += _gaps(began_s, steady - before, wall - wall_before, watch.interval_s)
        if watch.active <= 1 and not watch.attendance.looks:
            watch.end(_NOTHING)
        if watch.elapsed_s - told_s >= tell_every_s and goes_on:
            told_s = watch.elapsed_s
            if not watch.signals.is_shown:
                stand = in_a_line(watch.signals.all())
                look.say(f"watched {_words(told_s)} of {_words(watch.length_s)}: {stand}")
    return gaps


def _gaps(at_s: float, steady_s: float, wall_s: float, interval_s: float) -> list[Gap]:
    """What went wrong between two beats, by the steady clock and by the one on the wall.

    The steady clock stands still while the machine sleeps, and goes on while only this
    process does not.
    """
    allowed_s = max(interval_s, _LEAST_GAP_S)
    gaps = []
    if wall_s - steady_s > allowed_s:
        cause = "the machine slept, or its clock was set"
        gaps.append(Gap(at_s, wall_s - steady_s, cause))
    if steady_s - interval_s > allowed_s:
        gaps.append(Gap(at_s, steady_s, "this process stood still"))
    return gaps


def _demand_looks(watch: Watch, seen: Evidence) -> None:
    """Intervals in which no signal could be read were not watched."""
    missed = watch.attendance.unattended(watch.interval_s, watch.length_s)
    if missed:
        first_s = missed[0] * watch.interval_s
        raise Unverified(
            f"in {len(missed)} of {seen.facts['intervals']} intervals no signal could be read, "
            f"first {first_s:.0f} s into the watch",
            expected="a look in every interval",
            remedy="See the signals that were unverified; then watch again.",
            evidence=seen,
        )


def _evidence(watch: Watch, gaps: list[Gap], look: Context) -> Evidence:
    intervals = max(1, int(watch.length_s / watch.interval_s))
    missed = watch.attendance.unattended(watch.interval_s, watch.length_s)
    watched_s = min(watch.elapsed_s, watch.length_s)
    return Evidence(
        summary=f"watched {_words(watched_s)} awake, "
        f"{watch.attendance.looks} looks in {intervals} intervals of {watch.interval_s:g} s",
        source="the watch of this run",
        observed_at=look.now(),
        facts={
            "watched_s": round(watched_s, 1),
            "length_s": watch.length_s,
            "observations": watch.attendance.looks,
            "intervals": intervals,
            "unattended_intervals": len(missed),
            "gaps": len(gaps),
            "gaps_s": round(sum(gap.length_s for gap in gaps), 1),
        },
        attachments=(Timeline("The watch", watch.length_s, _marks(gaps)),),
    )


def _marks(gaps: list[Gap]) -> tuple[tuple[float, str, str], ...]:
    marks = [(0.0, "passed", "watched")]
    for gap in gaps:
        marks.append((gap.at_s, "failed", gap.cause))
        marks.append((gap.at_s + gap.length_s, "passed", "watched"))
    return tuple(marks)


def _words(seconds: float) -> str:
    """``15 min``, ``2 min 30 s``, ``20 s``."""
    minutes, rest = divmod(round(seconds), 60)
    parts = [f"{minutes} min"] if minutes else []
    return " ".join([*parts, f"{rest} s"] if rest or not parts else parts)
