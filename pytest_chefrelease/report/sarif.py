"""Findings with a place in the repository as SARIF 2.1.0, which code scanning shows at the line.

Source: OASIS SARIF 2.1.0; GitHub's "SARIF support for code scanning". A fingerprint that does
not depend on the line keeps a finding's identity when the file changes above it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from urllib.parse import quote

from pytest_chefrelease import __version__
from pytest_chefrelease.report.findings import Finding, findings_of
from pytest_chefrelease.report.json_text import json_text
from pytest_chefrelease.report.plain import plain
from pytest_chefrelease.runbook.item import Item, Severity
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.record import StageRecord

_SHOWN = (Outcome.FAILED, Outcome.UNVERIFIED, Outcome.WAIVED, Outcome.SHADOW)
_SECURITY = {Severity.P1: "9.0", Severity.P2: "6.0", Severity.P3: "3.0"}


def to_sarif(record: StageRecord) -> str:
    """The text of a SARIF file with one run; without findings its results are empty."""
    pairs = [
        (result, finding)
        for result in record.results
        if result.outcome in _SHOWN
        for finding in findings_of(result)
    ]
    run = {
        "tool": {
            "driver": {
                "name": "pytest-chefrelease",
                "semanticVersion": __version__,
                "rules": _rules(pairs),
            }
        },
        "automationDetails": {"id": f"chefrelease/{record.stage}/"},
        "columnKind": "unicodeCodePoints",
        "results": _results(pairs),
    }
    if record.release.commit:
        run["properties"] = {"commit": plain(record.release.commit)}
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json_text(document)


def _rules(pairs: Iterable[tuple[Result, Finding]]) -> list[dict[str, object]]:
    rules: dict[str, dict[str, object]] = {}
    for result, finding in pairs:
        name = _rule_id(result.item, finding)
        rules.setdefault(name, _rule(name, result.item))
    return list(rules.values())


def _rule(name: str, item: Item) -> dict[str, object]:
    return {
        "id": name,
        "shortDescription": {"text": plain(item.title)},
        "help": {"text": plain(item.remedy)},
        "properties": {
            "tags": [item.severity.value, item.section.value],
            "security-severity": _SECURITY[item.severity],
        },
    }


def _rule_id(item: Item, finding: Finding) -> str:
    return item.id if finding.rule == item.id else f"{item.id}/{finding.rule}"


def _results(pairs: Iterable[tuple[Result, Finding]]) -> list[dict[str, object]]:
    seen: dict[str, int] = {}
    results = []
    for result, finding in pairs:
        identity = _identity(result, finding)
        seen[identity] = seen.get(identity, 0) + 1
        results.append(_result(result, finding, f"{identity}:{seen[identity]}"))
    return results


def _result(result: Result, finding: Finding, fingerprint: str) -> dict[str, object]:
    place: dict[str, object] = {
        "artifactLocation": {"uri": quote(finding.file), "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": finding.line},
    }
    shown: dict[str, object] = {
        "ruleId": _rule_id(result.item, finding),
        "level": _level(result),
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"chefrelease/v1": fingerprint},
    }
    if result.outcome is Outcome.WAIVED:
        justification = plain(result.summary)
        shown["suppressions"] = [{"kind": "external", "justification": justification}]
    return shown


def _level(result: Result) -> str:
    if result.outcome is Outcome.SHADOW:
        return "note"
    return "error" if result.blocking and result.outcome is Outcome.FAILED else "warning"


def _identity(result: Result, finding: Finding) -> str:
    text = "\0".join((_rule_id(result.item, finding), finding.file, finding.message))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
