"""From the record of a stage to the shape in which it is published."""

from __future__ import annotations

from math import isfinite
from typing import Literal

import msgspec
from msgspec import UNSET

from pytest_chefrelease.report import document as doc
from pytest_chefrelease.runbook.evidence import (
    Attachment,
    Chart,
    Fact,
    Picture,
    Table,
    Text,
    Timeline,
)
from pytest_chefrelease.runbook.item import Minimum
from pytest_chefrelease.runbook.limits import Limit
from pytest_chefrelease.runbook.outcome import Result, count
from pytest_chefrelease.runbook.quick_check import Line
from pytest_chefrelease.runbook.record import Course, StageRecord


def to_document(record: StageRecord) -> doc.Document:
    """The record in the shape in which it is published."""
    release, response = record.release, record.response
    return doc.Document(
        schema="chefrelease/evidence/1",
        release=doc.ReleaseEntry(
            version=release.version,
            commit=release.commit,
            environment=release.environment,
            image=release.image,
            previous_version=release.previous_version,
            problem=release.problem,
        ),
        stage=record.stage.value,
        started_at=record.started_at.isoformat(),
        finished_at=record.finished_at.isoformat(),
        verdict=record.verdict.decision.value,
        sentence=record.verdict.sentence,
        to_go=record.verdict.to_go,
        response=doc.ResponseEntry(
            action=response.action.value,
            reason=response.reason,
            within=response.within,
            commands=list(response.commands),
        ),
        quick_check=[_line_entry(line) for line in record.quick_check],
        items=[item_entry(result) for result in record.results],
        counts=count(record.results),
        targets=[doc.TargetEntry(name, address) for name, address in record.targets],
        notes=list(record.notes),
        run=_run_entry(record.course),
        limits=[_limit_entry(limit) for limit in record.limits],
    )


def _limit_entry(limit: Limit) -> doc.LimitEntry:
    value = limit.value
    wire = list(value) if isinstance(value, tuple) else value if isfinite(value) else None
    unit = msgspec.convert(limit.unit, Literal["", "s", "flag"])
    return doc.LimitEntry(limit.key, limit.looser.value, wire, unit)


def _run_entry(course: Course) -> doc.RunEntry:
    return doc.RunEntry(
        shard=str(course.shard) if course.shard else None,
        left_out=list(course.left_out),
        interrupted=course.interrupted,
        foreign_failures=course.foreign_failures,
        allow_unverified=course.allow_unverified,
        waiver_limit=course.waiver_limit,
        configuration=doc.ConfigurationEntry(*course.configuration)
        if course.configuration
        else None,
    )


def _line_entry(line: Line) -> doc.LineEntry:
    outcome = msgspec.convert(line.outcome, doc.LineOutcome)
    return doc.LineEntry(line.line, line.text, outcome, line.stage, line.observed_at)


def item_entry(result: Result) -> doc.ItemEntry:
    """One result in the shape in which it is published, and crosses from worker to controller."""
    item, evidence = result.item, result.evidence
    return doc.ItemEntry(
        id=item.id,
        parameter=result.parameter,
        nodeid=result.nodeid,
        title=item.title,
        stage=result.stage.value,
        severity=result.severity.value,
        blocking=result.blocking,
        outcome=result.outcome.value,
        summary=result.summary,
        facts={name: _wire_fact(fact) for name, fact in evidence.facts.items()} if evidence else {},
        source=evidence.source if evidence else None,
        observed_at=evidence.observed_at.isoformat() if evidence else None,
        duration_s=result.duration_s,
        remedy=result.remedy,
        section=item.section.value,
        quick_check=item.quick_check,
        expected=result.expected or UNSET,
        seen=result.seen or UNSET,
        where=result.where or UNSET,
        evidence=evidence.summary if evidence and evidence.summary != result.summary else UNSET,
        commit=evidence.commit if evidence and evidence.commit else UNSET,
        symptom=_symptom_entry(result),
        manual=item.manual or UNSET,
        minimum=_minimum_entry(item.minimum),
        attachments=[_attachment_entry(a) for a in evidence.attachments] or UNSET
        if evidence
        else UNSET,
    )


def _symptom_entry(result: Result) -> str | msgspec.UnsetType:
    symptom = result.symptom or result.item.symptom
    return symptom.value if symptom else UNSET


def _minimum_entry(minimum: Minimum) -> doc.MinimumEntry:
    age = minimum.max_age
    return doc.MinimumEntry(
        counts=dict(minimum.counts),
        facts=list(minimum.facts),
        max_age_s=age.total_seconds() if age is not None else None,
        of_release=minimum.of_release,
    )


def _attachment_entry(attachment: Attachment) -> doc.AttachmentEntry:
    match attachment:
        case Text(title, content):
            return doc.TextEntry(title, content)
        case Picture(title, media_type, data):
            return doc.PictureEntry(title, media_type, data)
        case Table(title, columns, rows):
            return doc.TableEntry(title, list(columns), [list(row) for row in rows])
        case Chart(title, unit, points, limit, band):
            return doc.ChartEntry(title, unit, list(points), limit, band)
        case Timeline(title, length_s, marks):
            return doc.TimelineEntry(title, length_s, list(marks))


def _wire_fact(fact: Fact) -> doc.WireFact:
    return [*fact] if isinstance(fact, list) else fact
