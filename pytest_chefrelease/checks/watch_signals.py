"""How each signal of a watch stands right now, for whoever looks at the screen meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from pytest_chefrelease.runbook.outcome import Outcome, Result

_KEPT = 24
"""So many of the last values make the trend: a minute at the usual interval."""
_STEADY_RATIO = 0.15
"""What differs by less is noise."""
_MEASURING = "measuring"


class Trend(StrEnum):
    """Where a value goes: the later half of the last values against the earlier one."""

    RISING = "↑"
    FALLING = "↓"
    STEADY = "→"
    UNKNOWN = ""


class Signal(Struct, frozen=True):
    """One signal: how its last look ended, since when it is so, and its value where it has one.

    ``outcome`` is an outcome's word, or ``measuring`` for what gives no outcome before its
    end; times are seconds of the watch; ``unit`` is the name of the fact that is the value.
    """

    label: str
    outcome: str
    summary: str
    since_s: float
    unit: str = ""
    values: tuple[float, ...] = ()

    @property
    def value(self) -> float | None:
        """The last value."""
        return self.values[-1] if self.values else None

    @property
    def trend(self) -> Trend:
        """Where the value goes."""
        return trend_of(self.values)


@dataclass(slots=True)
class Signals:
    """The signals by name. Written by the watch's thread, read by another: each is replaced whole.

    ``is_shown`` says that somebody shows them, so that nobody need tell them in lines.
    """

    is_shown: bool = False
    _by_label: dict[str, Signal] = field(default_factory=dict)

    def saw(self, at_s: float, result: Result) -> None:
        """A look at a signal has ended."""
        before = self._by_label.get(result.label)
        outcome = result.outcome.value
        is_same = before is not None and before.outcome == outcome
        since_s = before.since_s if before is not None and is_same else at_s
        fact = result.item.signal or ""
        seen = result.evidence.facts.get(fact) if result.evidence and fact else None
        values = before.values if before is not None else ()
        if isinstance(seen, int | float):
            values = (*values, float(seen))[-_KEPT:]
        self._by_label[result.label] = Signal(
            result.label, outcome, result.summary, since_s, fact, values
        )

    def measures(self, label: str, text: str, at_s: float, outcome: str = _MEASURING) -> None:
        """What is measured over the whole watch tells how far it is, or what it has found."""
        before = self._by_label.get(label)
        if before is None or before.outcome != outcome:
            before = Signal(label, outcome, text, at_s)
        self._by_label[label] = replace(before, summary=text)

    def all(self) -> tuple[Signal, ...]:
        """The signals now: what is not well first, else as they came."""
        well = (Outcome.PASSED.value, _MEASURING)
        now = list(self._by_label.values())  # in one step: the other thread goes on
        return tuple(sorted(now, key=lambda signal: signal.outcome in well))


def trend_of(values: Sequence[float]) -> Trend:
    """By the medians of two halves, so that a single value makes no trend."""
    if len(values) < 4:
        return Trend.UNKNOWN
    half = len(values) // 2
    before, after = median(values[:half]), median(values[half:])
    if abs(after - before) <= _STEADY_RATIO * max(abs(before), abs(after)):
        return Trend.STEADY
    return Trend.RISING if after > before else Trend.FALLING


def in_a_line(signals: Sequence[Signal]) -> str:
    """All signals in a line, for logs: ``health.endpoint passed 12 elapsed_ms ↑``."""
    return "; ".join(
        " ".join(filter(None, [s.label, s.outcome, value_text(s), s.trend.value])) for s in signals
    )


def value_text(signal: Signal) -> str:
    """The last value with its unit: ``12 ms``, ``14 connections``."""
    if signal.value is None:
        return ""
    name, _, unit = signal.unit.rpartition("_")
    unit = unit if name and len(unit) <= 2 else signal.unit.replace("_", " ")
    return f"{signal.value:g} {unit}"
