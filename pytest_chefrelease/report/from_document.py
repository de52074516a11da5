"""From the published shape back to the record of a stage.

Enough comes back to judge, merge and render again; of an item's declaration, what reports show.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from math import inf
from typing import NamedTuple

from pytest_chefrelease.report import document as doc
from pytest_chefrelease.runbook.evidence import (
    Attachment,
    Chart,
    Evidence,
    Fact,
    Picture,
    Scalar,
    Table,
    Text,
    Timeline,
)
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage, Symptom
from pytest_chefrelease.runbook.limits import Limit, Looser
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.quick_check import Line
from pytest_chefrelease.runbook.record import Course, StageRecord
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.runbook.response import Action, Response
from pytest_chefrelease.runbook.shard import Shard
from pytest_chefrelease.runbook.verdict import Decision, Verdict


def from_document(document: doc.Document) -> StageRecord:
    """Rebuild a record. Raises ValueError where a word or a time is none that we know."""
    release = document.release
    response = document.response
    stage = Stage(document.stage)
    return StageRecord(
        release=Release(
            version=release.version,
            commit=release.commit,
            environment=release.environment,
            image=release.image,
            previous_version=release.previous_version,
            problem=release.problem,
        ),
        stage=stage,
        started_at=_time(document.started_at),
        finished_at=_time(document.finished_at),
        verdict=Verdict(Decision(document.verdict), document.sentence, document.to_go),
        response=Response(
            Action(response.action), response.reason, response.within, tuple(response.commands)
        ),
        quick_check=tuple(
            Line(line.line, line.text, line.outcome, line.stage, line.observed_at)
            for line in document.quick_check
        ),
        results=tuple(to_result(entry) for entry in document.items),
        targets=tuple((target.name, target.address) for target in document.targets),
        notes=tuple(document.notes),
        course=_course(document.run),
        limits=tuple(map(_limit, document.limits)),
    )


def _limit(entry: doc.LimitEntry) -> Limit:
    value = entry.value
    if isinstance(value, list):
        return Limit(entry.key, Looser(entry.looser), tuple(value), entry.unit)
    return Limit(entry.key, Looser(entry.looser), inf if value is None else value, entry.unit)


def _course(entry: doc.RunEntry) -> Course:
    configuration = entry.configuration
    return Course(
        shard=Shard.parse(entry.shard) if entry.shard else None,
        left_out=tuple(entry.left_out),
        interrupted=entry.interrupted,
        foreign_failures=entry.foreign_failures,
        allow_unverified=entry.allow_unverified,
        waiver_limit=entry.waiver_limit,
        configuration=(configuration.name, configuration.sha256) if configuration else None,
    )


def to_result(entry: doc.ItemEntry) -> Result:
    """Rebuild one result. Raises ValueError where a word or a time is none that we know."""
    return Result(
        item=_item(entry),
        parameter=entry.parameter,
        stage=Stage(entry.stage),
        outcome=Outcome(entry.outcome),
        summary=entry.summary,
        severity=Severity(entry.severity),
        blocking=entry.blocking,
        remedy=entry.remedy,
        expected=entry.expected or "",
        seen=entry.seen or "",
        where=entry.where or "",
        evidence=_evidence(entry),
        symptom=_symptom(entry.symptom or ""),
        duration_s=entry.duration_s,
        nodeid=entry.nodeid,
    )


class _Shown(NamedTuple):
    """What of a document tells one item from another."""

    id: str
    title: str
    stage: str
    severity: str
    section: str
    remedy: str
    counts: tuple[tuple[str, float], ...]
    facts: tuple[str, ...]
    max_age_s: float | None
    of_release: bool
    blocking: bool
    quick_check: int | None
    manual: bool
    symptom: str


def _item(entry: doc.ItemEntry) -> Item:
    minimum = entry.minimum or doc.MinimumEntry()
    shown = _Shown(
        id=entry.id,
        title=entry.title,
        stage=entry.stage,
        severity=entry.severity,
        section=entry.section,
        remedy=entry.remedy,
        counts=tuple(minimum.counts.items()),
        facts=tuple(minimum.facts),
        max_age_s=minimum.max_age_s,
        of_release=minimum.of_release,
        blocking=entry.blocking,
        quick_check=entry.quick_check,
        manual=bool(entry.manual),
        symptom=entry.symptom or "",
    )
    return _same_item(shown)


@lru_cache(maxsize=1024)
def _same_item(of: _Shown) -> Item:
    """One object for all results of an item, of which there may be ten thousand."""
    return Item(
        id=of.id,
        title=of.title,
        stages=(Stage(of.stage),),
        severity=Severity(of.severity),
        section=_section(of.section),
        minimum=_minimum(of),
        remedy=of.remedy,
        blocking=of.blocking,
        quick_check=of.quick_check,
        manual=of.manual,
        symptom=_symptom(of.symptom),
    )


def _section(name: str) -> Section:
    """A section that this version does not know is shown beyond the runbook."""
    return next((section for section in Section if section.value == name), Section.BEYOND)


def _symptom(name: str) -> Symptom | None:
    return next((symptom for symptom in Symptom if symptom.value == name), None)


def _minimum(of: _Shown) -> Minimum:
    facts = of.facts
    if not facts and not of.counts:
        facts = ("unknown",)
    age = timedelta(seconds=of.max_age_s) if of.max_age_s is not None else None
    return Minimum(dict(of.counts), facts, age, of.of_release)


def _evidence(entry: doc.ItemEntry) -> Evidence | None:
    if entry.observed_at is None:
        return None
    return Evidence(
        summary=entry.evidence or entry.summary,
        source=entry.source or "",
        observed_at=_time(entry.observed_at),
        facts={name: _fact(fact) for name, fact in entry.facts.items()},
        commit=entry.commit or None,
        attachments=tuple(_attachments(entry.attachments or [])),
    )


def _attachments(entries: Iterable[doc.AttachmentEntry]) -> Iterable[Attachment]:
    for entry in entries:
        match entry:
            case doc.TextEntry():
                yield Text(entry.title, entry.content)
            case doc.PictureEntry():
                yield Picture(entry.title, entry.media_type, entry.data)
            case doc.TableEntry():
                rows = tuple(tuple(row) for row in entry.rows)
                yield Table(entry.title, tuple(entry.columns), rows)
            case doc.ChartEntry():
                points = tuple(entry.points)
                yield Chart(entry.title, entry.unit, points, entry.limit, entry.band)
            case doc.TimelineEntry():
                yield Timeline(entry.title, entry.length_s, tuple(entry.marks))


def _fact(fact: doc.WireFact) -> Fact:
    if not isinstance(fact, list):
        return fact
    rows = [each for each in fact if isinstance(each, dict)]
    scalars: list[Scalar] = [each for each in fact if not isinstance(each, dict)]
    return rows or scalars


def _time(text: str) -> datetime:
    """A time with its zone. Raises ValueError."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return time
