"""The record in the Common Test Report Format (CTRF).

Source: ctrf.io, its JSON Schema. An unverified item is ``other`` with its own word in
``rawStatus``, and makes no summary green; what CTRF has no place for stands in ``extra``.
"""

from __future__ import annotations

from datetime import datetime

from pytest_chefrelease import __version__
from pytest_chefrelease.report.json_text import json_text
from pytest_chefrelease.report.plain import one_line, plain
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.record import StageRecord

_SPEC_VERSION = "1.0.0"
_STATUS = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.UNVERIFIED: "other",
    Outcome.NOT_APPLICABLE: "skipped",
    Outcome.WAIVED: "skipped",
    Outcome.SHADOW: "other",
}


def to_ctrf(record: StageRecord) -> str:
    """The text of a CTRF file."""
    tests = [_test(result) for result in record.results]
    document = {
        "reportFormat": "CTRF",
        "specVersion": _SPEC_VERSION,
        "timestamp": record.finished_at.isoformat(),
        "generatedBy": f"pytest-chefrelease {__version__}",
        "results": {
            "tool": {"name": "pytest-chefrelease", "version": __version__},
            "summary": _summary(record, [str(test["status"]) for test in tests]),
            "tests": tests,
            "environment": _environment(record),
        },
    }
    return json_text(document)


def _summary(record: StageRecord, statuses: list[str]) -> dict[str, object]:
    numbers = {
        status: statuses.count(status)
        for status in ("passed", "failed", "skipped", "pending", "other")
    }
    verdict = record.verdict
    return {
        "tests": len(statuses),
        **numbers,
        "start": _ms(record.started_at),
        "stop": _ms(record.finished_at),
        "extra": {
            "verdict": verdict.decision.value,
            "sentence": plain(verdict.sentence),
            "to_go": plain(verdict.to_go),
            "response": record.response.action.value,
        },
    }


def _test(result: Result) -> dict[str, object]:
    item, evidence = result.item, result.evidence
    status = _STATUS[result.outcome]
    if status == "failed" and not result.blocking:
        status = "other"  # a warning: it turns nothing red
    labels: dict[str, object] = {
        "item": item.id,
        "severity": result.severity.value,
        "blocking": result.blocking,
    }
    if item.quick_check is not None:
        labels["quick_check"] = item.quick_check
    return {
        "name": one_line(result.label) or item.id,
        "status": status,
        "rawStatus": result.outcome.value,
        "duration": round(result.duration_s * 1000),
        "suite": [result.stage.value, item.section.value],
        "message": plain(result.summary),
        "filePath": plain(result.nodeid.partition("::")[0]),
        "type": "release verification",
        "labels": labels,
        "extra": {
            "title": plain(item.title),
            "remedy": plain(result.remedy),
            "source": plain(evidence.source) if evidence else None,
            "observed_at": evidence.observed_at.isoformat() if evidence else None,
            "facts": dict(evidence.facts) if evidence else {},
        },
    }


def _environment(record: StageRecord) -> dict[str, object]:
    release = record.release
    named = {
        "appVersion": release.version,
        "commit": release.commit,
        "testEnvironment": release.environment,
    }
    return {name: plain(value) for name, value in named.items() if value}


def _ms(time: datetime) -> int:
    return round(time.timestamp() * 1000)
