"""Evidence: what a check saw, where and when, and whether that is enough to pass on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from pytest_chefrelease.runbook.item import Minimum
from pytest_chefrelease.runbook.release import Release

_CLOCK_TOLERANCE = timedelta(minutes=5)
"""Clocks of two systems differ; more than this is no evidence of a time."""

Scalar = str | int | float | bool | None
Fact = Scalar | list[Scalar] | list[dict[str, Scalar]] | dict[str, Scalar]
"""A fact is plain JSON; its unit is in its name (``p95_ms``, ``age_s``, ``size_bytes``)."""


class Text(Struct, frozen=True):
    """A piece of text that was seen: a body's first lines, a command's output."""

    title: str
    content: str


class Picture(Struct, frozen=True):
    """A screenshot; ``data`` is base64, ``media_type`` an image type."""

    title: str
    media_type: str
    data: str


class Table(Struct, frozen=True):
    """Rows of text under column names."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Chart(Struct, frozen=True):
    """Points over time: ``points`` are (seconds since start, value), ``unit`` is the value's.

    ``limit`` is drawn as a line, ``band`` as an interval around a statistic.
    """

    title: str
    unit: str
    points: tuple[tuple[float, float], ...]
    limit: float | None = None
    band: tuple[float, float] | None = None


class Timeline(Struct, frozen=True):
    """States of one signal over time: (seconds since start, state, what was seen)."""

    title: str
    length_s: float
    marks: tuple[tuple[float, str, str], ...]


Attachment = Text | Picture | Table | Chart | Timeline


class Evidence(Struct, frozen=True):
    """What a check saw.

    ``summary`` says in one sentence why the item passes on it; ``source`` is where it was
    seen (a URL, a table, a file); ``observed_at`` is when the fact was true at its source,
    with time zone; ``commit`` is the commit it speaks of, where it speaks of one.
    """

    summary: str
    source: str
    observed_at: datetime
    facts: Mapping[str, Fact] = field(default_factory=dict)
    commit: str | None = None
    attachments: tuple[Attachment, ...] = ()


def shortfall(minimum: Minimum, evidence: Evidence, release: Release, now: datetime) -> str | None:
    """Say what is missing for the item to pass on this evidence, or None when it suffices.

    Source: DESIGN.md section 3, rules 1 and 5 (no evidence, no GO; stale is unverified).
    """
    return (
        _too_few(minimum.counts, evidence.facts)
        or _absent(minimum.facts, evidence.facts)
        or _stale(minimum.max_age, now - evidence.observed_at)
        or _foreign(minimum, evidence.commit, release.commit)
    )


def _too_few(counts: Mapping[str, float], facts: Mapping[str, Fact]) -> str | None:
    for name, least in counts.items():
        seen = facts.get(name)
        if isinstance(seen, bool) or not isinstance(seen, int | float):
            return f"saw no {name}, needs at least {least:g}"
        if not (math.isfinite(seen) and seen >= least):
            return f"saw {seen} of {name}, needs at least {least:g}"
    return None


def _absent(names: Sequence[str], facts: Mapping[str, Fact]) -> str | None:
    for name in names:
        seen = facts.get(name)
        is_blank = isinstance(seen, str) and not seen.strip()
        is_no_number = isinstance(seen, float) and not math.isfinite(seen)
        if seen is None or is_blank or is_no_number or seen in ([], {}):
            return f"saw no {name}"
    return None


def _stale(max_age: timedelta | None, age: timedelta) -> str | None:
    if max_age is None:
        return None
    if age < -_CLOCK_TOLERANCE:
        return f"the evidence is dated {_span(-age)} in the future; one of the clocks is wrong"
    if age > max_age:
        return f"the evidence is {_span(age)} old, at most {_span(max_age)} is allowed"
    return None


def _foreign(minimum: Minimum, commit: str | None, released: str | None) -> str | None:
    if not minimum.of_release or (commit is not None and commit == released):
        return None
    return (
        f"the evidence is of commit {commit or 'unknown'}, the release is {released or 'unknown'}"
    )


def _span(time: timedelta) -> str:
    """A time in its two largest units: ``24 h 1 min``."""
    rest = int(time.total_seconds())
    parts: list[str] = []
    for unit, seconds in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        if rest >= seconds and len(parts) < 2:
            parts.append(f"{rest // seconds} {unit}")
            rest %= seconds
    return " ".join(parts) or "0 s"
