"""One result, or many of an item, as the page shows them: cards, rows, drawings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from pytest_chefrelease.report.html.chart import Plot, Track, plot, track
from pytest_chefrelease.report.readable import age, duration, fact
from pytest_chefrelease.runbook.evidence import (
    Chart,
    Evidence,
    Fact,
    Picture,
    Table,
    Text,
    Timeline,
)
from pytest_chefrelease.runbook.item import Minimum
from pytest_chefrelease.runbook.outcome import Outcome, Result

_LONGEST_TEXT = 20_000
_LONGEST_FACT = 500
_MOST_COLUMNS = 6
_MOST_FACTS = 14
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif")


class Drawing(Struct, frozen=True):
    """An attachment: exactly one of the parts is there."""

    text: Text | None = None
    picture: Picture | None = None
    table: Table | None = None
    plot: Plot | None = None
    track: Track | None = None


class Card(Struct, frozen=True):
    """One result with all that is known of it."""

    result: Result
    is_open: bool
    parts: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    more_facts: int
    needs: str
    age: str
    drawings: tuple[Drawing, ...]


class Row(Struct, frozen=True):
    """One of many results of an item: what differs between them."""

    outcome: str
    label: str
    summary: str
    cells: tuple[str, ...]


class Rows(Struct, frozen=True):
    """Many results of an item with the same outcome, under the names of their facts."""

    outcome: str
    names: tuple[str, ...]
    rows: tuple[Row, ...]
    source: str
    needs: str


def rows_of(outcome: Outcome, results: Sequence[Result]) -> Rows:
    """Results of one item and outcome as rows; their first facts are the columns."""
    names: dict[str, None] = {}
    for result in results[:100]:
        names |= dict.fromkeys(result.evidence.facts if result.evidence else ())
    columns = list(names)[:_MOST_COLUMNS]
    first = results[0].evidence
    return Rows(
        outcome=outcome.value,
        names=tuple(fact(name, 0)[0] for name in columns),
        rows=tuple(
            Row(
                outcome=outcome.value,
                label=result.parameter or result.item.id,
                summary=result.summary,
                cells=tuple(_cell(result, name) for name in columns),
            )
            for result in results
        ),
        source=first.source if first else "",
        needs=needs(results[0].item.minimum),
    )


def _cell(result: Result, name: str) -> str:
    facts: Mapping[str, Fact] = result.evidence.facts if result.evidence else {}
    return fact(name, facts[name])[1][:_LONGEST_FACT] if name in facts else ""


def card_of(result: Result, now: datetime, *, is_open: bool) -> Card:
    """One result with its four parts, facts and drawings."""
    evidence = result.evidence
    said = (
        ("Seen", "" if result.seen in result.summary else result.seen),
        ("Expected", result.expected),
        ("Where", result.where),
        ("Remedy", result.remedy),
    )
    facts = _told(evidence)
    return Card(
        result=result,
        is_open=is_open,
        parts=tuple((name, text) for name, text in said if text),
        facts=tuple(
            (label[:_LONGEST_FACT], text[:_LONGEST_FACT] or "none")
            for label, text in (fact(name, value) for name, value in facts[:_MOST_FACTS])
        ),
        more_facts=max(len(facts) - _MOST_FACTS, 0),
        needs=needs(result.item.minimum),
        age=age(evidence.observed_at.isoformat(), now) if evidence else "",
        drawings=tuple(_drawings(result)),
    )


def _told(evidence: Evidence | None) -> list[tuple[str, Fact]]:
    """The facts that a card lists: rows of facts are read better in the table beside them."""
    if evidence is None:
        return []
    has_table = any(isinstance(each, Table) for each in evidence.attachments)
    return [(n, v) for n, v in evidence.facts.items() if not (has_table and _is_rows(v))]


def _is_rows(value: Fact) -> bool:
    return isinstance(value, list) and any(isinstance(each, dict) for each in value)


def needs(minimum: Minimum) -> str:
    """The minimum of evidence in words: ``requests at least 300, not older than 24 h``."""
    parts = [
        f"{fact(name, 0)[0].lower()} at least {least:g}" for name, least in minimum.counts.items()
    ]
    parts += [fact(name, "")[0].lower() for name in minimum.facts]
    if minimum.max_age is not None:
        parts.append(f"not older than {duration(minimum.max_age.total_seconds())}")
    if minimum.of_release:
        parts.append("of this very commit")
    return ", ".join(parts)


def _drawings(result: Result) -> Iterable[Drawing]:
    for attachment in result.evidence.attachments if result.evidence else ():
        match attachment:
            case Text(title, content):
                yield Drawing(text=Text(title, _bounded(content)))
            case Picture():
                yield _picture(attachment)
            case Table():
                yield Drawing(table=attachment)
            case Chart():
                yield Drawing(plot=plot(attachment))
            case Timeline():
                yield Drawing(track=track(attachment))


def _picture(picture: Picture) -> Drawing:
    """A picture that a page can hold safely, or a sentence in its place."""
    if picture.media_type in _PICTURES and _BASE64.fullmatch(picture.data):
        return Drawing(picture=picture)
    return Drawing(text=Text(picture.title, "This picture cannot be shown."))


def _bounded(text: str) -> str:
    if len(text) <= _LONGEST_TEXT:
        return text
    return f"{text[:_LONGEST_TEXT]}\n… {len(text) - _LONGEST_TEXT:,} characters more"
