"""Facts, durations and ages in the units that people read.

A fact carries its unit in its name (``p95_ms``, ``age_s``, ``size_bytes``); shown, the unit
stands behind the value, and the name is words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from math import inf, isfinite

from pytest_chefrelease.runbook.evidence import Fact, Scalar

_NUMBERS = {"n": "n", "p50": "P50", "p90": "P90", "p95": "P95", "p99": "P99"}
_CAPITALS = {"id", "url", "http", "tls", "sha", "api", "rss", "cpu", "sql", "ci", "qc"}


def duration(seconds: float) -> str:
    """``31 ms``, ``4.2 s``, ``15 min``, ``3.5 h``, ``12 days``; no number stays as it is."""
    if not isfinite(seconds):
        return f"{seconds}"
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 1:
        return f"{number(seconds * 1000)} ms"
    for limit, span, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            amount = seconds / span
            return f"{number(amount) if span == 1 else _tenths(amount)} {unit}"
    return f"{_tenths(seconds / 86_400)} days"


def _tenths(amount: float) -> str:
    return f"{amount:,.1f}".removesuffix(".0")


def size(count: float) -> str:
    """``512 B``, ``48.2 kB``, ``1.5 GB`` (powers of 1000)."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{number(count)} {unit}"
        count /= 1000
    return f"{number(count)} TB"


def number(value: float) -> str:
    """Three digits that count, thousands set apart: ``0.031``, ``4.2``, ``612``, ``48,211``."""
    if not isfinite(value) or abs(value) >= 1e15:
        return f"{value:g}"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def age(then: str, now: datetime) -> str:
    """How long ago an ISO 8601 time was; the text itself where it is none."""
    try:
        seconds = (now - datetime.fromisoformat(then)).total_seconds()
    except (ValueError, TypeError):
        return then
    if seconds < 1:
        return "just now"
    return f"{duration(round(seconds))} ago"


def facts(of: Mapping[str, Fact]) -> list[tuple[str, str]]:
    """All facts as name and value, for a list of terms."""
    return [fact(name, value) for name, value in of.items()]


def fact(name: str, value: Fact) -> tuple[str, str]:
    """One fact in words: ``p95_ms: 612.2`` is ``("P95", "612 ms")``."""
    stem, _, unit = name.rpartition("_")
    if unit in _UNITS and stem and isinstance(value, int | float) and not isinstance(value, bool):
        return _words(name if unit in _SHARES else stem), _UNITS[unit](_as_float(value))
    return _words(name), _value(value)


def _words(name: str) -> str:
    if name in _NUMBERS:
        return _NUMBERS[name]
    words = [_NUMBERS.get(w) or (w.upper() if w in _CAPITALS else w) for w in name.split("_") if w]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def _value(value: Fact) -> str:
    if isinstance(value, list):
        return ", ".join(
            f"({_pairs(each)})" if isinstance(each, dict) else _scalar(each) for each in value
        )
    return _pairs(value) if isinstance(value, dict) else _scalar(value)


def _pairs(value: Mapping[str, Scalar]) -> str:
    return ", ".join(f"{key}: {_scalar(each)}" for key, each in value.items())


def _scalar(value: Scalar) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return number(_as_float(value))


def _as_float(value: float) -> float:
    """The value; JSON can hold whole numbers that are larger than any that is counted with."""
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


_SHARES = ("rate", "ratio")
_UNITS: Mapping[str, Callable[[float], str]] = {
    "ms": lambda value: duration(value / 1000),
    "s": duration,
    "bytes": size,
    "percent": lambda value: f"{number(value)} %",
    "rate": lambda value: f"{number(100 * value)} %",
    "ratio": lambda value: f"{number(100 * value)} %",
    "days": lambda value: f"{number(value)} days",
    "rps": lambda value: f"{number(value)} a second",
}
