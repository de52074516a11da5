"""Makes one result of all the looks at a signal, with their timeline.

Source: CATALOG.md, "The watch". A failure that recovered is reported with its duration; the
last five minutes (or the last third of a shorter watch) must be free of failures; and a
signal that could not be read in most of its looks was not watched.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from pytest_chefrelease.runbook.evidence import Evidence, Timeline
from pytest_chefrelease.runbook.item import Severity, Symptom
from pytest_chefrelease.runbook.outcome import Outcome, Result

Observation = tuple[float, Result]
"""When a look began, in seconds of the watch, and what it found."""

_GREEN_END_S = 300.0
_UNKNOWN_AFTER_S = 890.0
"""15 minutes, less the beats at both ends of a watch of that length."""


def sum_up(seen: Sequence[Observation], length_s: float, elapsed_s: float) -> Result:
    """One result from all observations (at least one) of a watch of ``length_s``.

    ``elapsed_s`` is how long it went on.
    """
    late = _late(seen, length_s, elapsed_s)
    failed = [r for r in late if r.outcome is Outcome.FAILED]
    unverified = [r for r in late if r.outcome is Outcome.UNVERIFIED]
    if failed:
        result = _standing_failure(failed[-1], seen, elapsed_s)
    elif unverified:
        began, ended = _stretches(seen, Outcome.UNVERIFIED)[-1]
        until = "on" if ended is None else f"to {ended:.0f} s"
        note = f"{len(unverified)} of the last {_looks(len(late))}, from {began:.0f} s {until}"
        result = replace(unverified[-1], summary=f"{unverified[-1].summary} ({note})")
    elif len(_of(seen, Outcome.UNVERIFIED)) * 2 > len(seen):
        result = _mostly_unread(seen)
    else:
        last = seen[-1][1]
        note = f"{_looks(len(seen))} in {elapsed_s:.0f} s"
        result = replace(last, summary=f"{last.summary} ({note}){_transients(seen)}")
    return _with_timeline(result, seen, length_s)


def _late(seen: Sequence[Observation], length_s: float, elapsed_s: float) -> list[Result]:
    """The looks of the part that must be green; the last look is always one of them."""
    begin = min(elapsed_s, length_s) - min(_GREEN_END_S, length_s / 3)
    return [r for at, r in seen if at >= min(begin, seen[-1][0])]


def _standing_failure(result: Result, seen: Sequence[Observation], elapsed_s: float) -> Result:
    began, ended = _stretches(seen, Outcome.FAILED)[-1]
    count = len(_of(seen, Outcome.FAILED))
    when = f"since {began:.0f} s" if ended is None else f"from {began:.0f} s to {ended:.0f} s"
    summary = f"{result.summary} ({count} of {_looks(len(seen))} failed, {when} into the watch)"
    stood_s = (elapsed_s if ended is None else ended) - began
    # A P2 whose cause nobody has found by now: the runbook waits no longer.
    is_told = result.symptom or result.item.symptom or result.item.stays_failed
    is_unknown = result.severity is Severity.P2 and not is_told
    if is_unknown and stood_s >= _UNKNOWN_AFTER_S:
        return replace(result, summary=summary, symptom=Symptom.CAUSE_UNKNOWN)
    return replace(result, summary=summary)


def _mostly_unread(seen: Sequence[Observation]) -> Result:
    unverified = _of(seen, Outcome.UNVERIFIED)
    note = f"it could be read in only {len(seen) - len(unverified)} of {_looks(len(seen))}"
    return replace(unverified[-1], summary=f"{unverified[-1].summary} ({note})")


def _transients(seen: Sequence[Observation]) -> str:
    """What passed by: ``; recovered: failed 3 times, from 4 s for 7 s``."""
    text = ""
    for outcome, words in ((Outcome.FAILED, "recovered: failed"), (Outcome.UNVERIFIED, "unread")):
        spans = [
            f"from {began:.0f} s for {ended - began:.0f} s"
            for began, ended in _stretches(seen, outcome)
            if ended is not None
        ]
        if spans:
            count = len(_of(seen, outcome))
            text += f"; {words} {count} time{'s' * (count > 1)}, {', '.join(spans)}"
    return text


def _stretches(seen: Sequence[Observation], outcome: Outcome) -> list[tuple[float, float | None]]:
    """When an outcome began, and when another look found it gone (None: not yet)."""
    stretches: list[tuple[float, float | None]] = []
    for at, result in seen:
        is_open = bool(stretches) and stretches[-1][1] is None
        if result.outcome is outcome and not is_open:
            stretches.append((at, None))
        elif result.outcome is not outcome and is_open:
            stretches[-1] = (stretches[-1][0], at)
    return stretches


def _of(seen: Sequence[Observation], outcome: Outcome) -> list[Result]:
    return [result for _, result in seen if result.outcome is outcome]


def _looks(count: int) -> str:
    return f"{count} look{'s' * (count != 1)}"


def _with_timeline(result: Result, seen: Sequence[Observation], length_s: float) -> Result:
    last = result.evidence or Evidence(result.summary, result.where, datetime.now(UTC))
    timeline = Timeline(f"{result.label} over the watch", length_s, _changes(seen))
    facts = {
        **last.facts,
        "observations": len(seen),
        "failed_observations": len(_of(seen, Outcome.FAILED)),
        "unverified_observations": len(_of(seen, Outcome.UNVERIFIED)),
    }
    attachments = (timeline, *last.attachments)
    return replace(result, evidence=replace(last, facts=facts, attachments=attachments))


def _changes(seen: Sequence[Observation]) -> tuple[tuple[float, str, str], ...]:
    """The first observation and every one whose outcome differs from the one before."""
    marks: list[tuple[float, str, str]] = []
    for at, result in seen:
        if not marks or marks[-1][1] != result.outcome.value:
            marks.append((at, result.outcome.value, result.summary))
    return tuple(marks)
