"""Evidence: what a check saw, where and when, and whether that is enough to pass on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pytest_chefrelease.runbook.item import Minimum
from pytest_chefrelease.runbook.release import Release

Scalar = str | int | float | bool | None
Fact = Scalar | list[Scalar] | list[dict[str, Scalar]] | dict[str, Scalar]
"""A fact is plain JSON; its unit is in its name (``p95_ms``, ``age_s``, ``size_bytes``)."""


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text that was seen: a body's first lines, a command's output."""

    title: str
    content: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A screenshot; ``data`` is base64, ``media_type`` an image type."""

    title: str
    media_type: str
    data: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under column names."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Points over time: ``points`` are (seconds since start, value), ``unit`` is the value's.

    ``limit`` is drawn as a line, ``band`` as an interval around a statistic.
    """

    title: str
    unit: str
    points: tuple[tuple[float, float], ...]
    limit: float | None = None
    band: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """States of one signal over time: (seconds since start, state, what was seen)."""

    title: str
    length_s: float
    marks: tuple[tuple[float, str, str], ...]


Attachment = Text | Picture | Table | Chart | Timeline


@dataclass(frozen=True, slots=True)
class Evidence:
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


def shortfall(
    minimum: Minimum, evidence: Evidence, release: Release, now: datetime
) -> str | None:
    """Say what is missing for the item to pass on this evidence, or None when it suffices.

    Source: DESIGN.md section 3, rules 1 and 5 (no evidence, no GO; stale is unverified).
    """
    for name, least in minimum.counts.items():
        value = evidence.facts.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or not value >= least:
            seen = "nothing" if value is None else value
            return f"saw {seen} of {name}, needs at least {least:g}"
    for name in minimum.facts:
        if evidence.facts.get(name) in (None, "", [], {}):
            return f"saw no {name}"
    if minimum.max_age is not None:
        age = now - evidence.observed_at
        if age > minimum.max_age:
            return f"the evidence is {_hours(age.total_seconds())} old, at most " + (
                f"{_hours(minimum.max_age.total_seconds())} is allowed"
            )
    if minimum.of_release and (evidence.commit is None or evidence.commit != release.commit):
        return (
            f"the evidence is of commit {evidence.commit or 'unknown'}, "
            f"the release is {release.commit or 'unknown'}"
        )
    return None


def _hours(seconds: float) -> str:
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"
