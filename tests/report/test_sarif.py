"""Findings with a place, as code scanning reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from pytest_chefrelease.report.findings import findings_of
from pytest_chefrelease.report.sarif import to_sarif
from pytest_chefrelease.runbook.evidence import Fact, Scalar
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.report import samples


def with_findings(outcome: Outcome = Outcome.FAILED, *, blocking: bool = True) -> Result:
    rows: list[dict[str, Scalar]] = [
        {"file": "db/0001_x/migration.sql", "line": 7, "message": "drops a column", "rule": "drop"},
        {"file": "db/0001_x/migration.sql", "line": 9, "message": "drops a column", "rule": "drop"},
        {"file": "a b/ü.sql", "message": "renames", "rule": "rename"},
    ]
    facts: dict[str, Fact] = {"n": 3, "findings": rows}
    of = replace(samples.item("migrations.safe", blocking=blocking), title="Nothing destroys")
    return samples.result(of, outcome, "3 findings", facts=facts)


def run_of(*results: Result) -> Any:  # noqa: ANN401 (parsed JSON)
    document = json.loads(to_sarif(samples.record_of(results)))
    assert document["version"] == "2.1.0"
    [run] = document["runs"]
    return run


def test_each_finding_is_a_result_at_its_line() -> None:
    results = run_of(with_findings())["results"]

    first = results[0]["locations"][0]["physicalLocation"]
    assert len(results) == 3
    assert first == {
        "artifactLocation": {"uri": "db/0001_x/migration.sql", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 7},
    }
    assert results[0]["message"] == {"text": "drops a column"}
    assert results[2]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == (
        "a%20b/%C3%BC.sql"
    )


def test_every_rule_is_declared_once_with_what_to_do() -> None:
    run = run_of(with_findings())
    rules = run["tool"]["driver"]["rules"]

    assert [rule["id"] for rule in rules] == ["migrations.safe/drop", "migrations.safe/rename"]
    assert rules[0]["help"]["text"] == "Mend migrations.safe."
    assert {result["ruleId"] for result in run["results"]} == {rule["id"] for rule in rules}


def test_a_finding_keeps_its_identity_when_lines_move() -> None:
    before = with_findings()
    assert before.evidence is not None
    moved: list[dict[str, Scalar]] = [
        {"file": f.file, "line": f.line + 40, "message": f.message, "rule": f.rule}
        for f in findings_of(before)
    ]
    after = replace(before, evidence=replace(before.evidence, facts={"findings": moved}))

    prints = [r["partialFingerprints"]["chefrelease/v1"] for r in run_of(before)["results"]]
    assert prints == [r["partialFingerprints"]["chefrelease/v1"] for r in run_of(after)["results"]]
    assert len(set(prints)) == 3


@pytest.mark.parametrize(
    ("outcome", "blocking", "level"),
    [
        (Outcome.FAILED, True, "error"),
        (Outcome.FAILED, False, "warning"),
        (Outcome.UNVERIFIED, True, "warning"),
        (Outcome.SHADOW, True, "note"),
        (Outcome.WAIVED, True, "warning"),
    ],
)
def test_the_level_is_what_the_finding_means(
    outcome: Outcome, level: str, *, blocking: bool
) -> None:
    assert {r["level"] for r in run_of(with_findings(outcome, blocking=blocking))["results"]} == {
        level
    }


def test_a_waived_finding_is_suppressed_with_its_reason() -> None:
    [first, *_] = run_of(with_findings(Outcome.WAIVED))["results"]

    assert first["suppressions"] == [{"kind": "external", "justification": "3 findings"}]


def test_what_passed_or_has_no_place_is_left_out() -> None:
    run = run_of(with_findings(Outcome.PASSED), samples.result(samples.item("a.b"), Outcome.FAILED))

    assert run["results"] == []
    assert run["tool"]["driver"]["rules"] == []


@pytest.mark.parametrize(
    "entry",
    [
        {"line": 3, "message": "no file"},
        {"file": "", "line": 3},
        {"file": "/etc/passwd", "line": 1},
        {"file": "../outside", "line": 1},
        {"file": 7, "line": 1},
    ],
)
def test_a_place_outside_of_the_repository_is_none(entry: dict[str, Scalar]) -> None:
    listed: list[dict[str, Scalar]] = [entry]
    facts: dict[str, Fact] = {"findings": listed}

    assert findings_of(samples.result(samples.item("a.b"), Outcome.FAILED, facts=facts)) == []


@pytest.mark.parametrize("value", ["text", 3, None, {"file": "a"}])
def test_findings_that_are_no_list_are_none(value: Fact) -> None:
    result = samples.result(samples.item("a.b"), Outcome.FAILED, facts={"findings": value})

    assert findings_of(result) == []
