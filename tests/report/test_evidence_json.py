"""The evidence file: valid by its schema, and the same record when it is read back."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from msgspec.structs import replace

from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.report import evidence_json
from pytest_chefrelease.report.document import schema_text
from pytest_chefrelease.runbook.item import Section, Symptom
from pytest_chefrelease.runbook.record import StageRecord
from tests.report import samples

SHIPPED = Path(evidence_json.__file__).parent / "schema" / "evidence-1.json"
RECORDS = {
    "every outcome": samples.every_outcome(),
    "all well": samples.all_well(),
    "hostile": samples.hostile(),
    "nothing ran": samples.record_of(()),
}


@pytest.fixture(params=RECORDS)
def record(request: pytest.FixtureRequest) -> StageRecord:
    return RECORDS[request.param]


@pytest.fixture
def data() -> dict[str, object]:
    return evidence_json.to_json(samples.every_outcome())


def test_the_shipped_schema_is_the_one_of_the_types() -> None:
    assert SHIPPED.read_text() == schema_text()


def test_the_shipped_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(SHIPPED.read_text()))


def test_the_written_text_is_valid_by_the_schema(record: StageRecord) -> None:
    schema = json.loads(SHIPPED.read_text())

    jsonschema.validate(
        json.loads(evidence_json.to_text(record)), schema, jsonschema.Draft202012Validator
    )


def test_the_schema_refuses_a_verdict_that_does_not_exist(data: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError, match="MAYBE"):
        jsonschema.validate(data | {"verdict": "MAYBE"}, json.loads(SHIPPED.read_text()))


def test_a_reader_finds_the_verdict_at_the_top(data: dict[str, object]) -> None:
    assert data["schema"] == "chefrelease/evidence/1"
    assert data["verdict"] == "NO-GO"
    assert data["stage"] == "postrelease"


def test_every_field_that_the_design_names_is_there(data: dict[str, object]) -> None:
    [item] = [i for i in json.loads(json.dumps(data))["items"] if i["id"] == "latency.p95"]

    assert item["facts"]["p95_ms"] == 612.25
    assert item["parameter"] == "GET /orders"
    assert item.keys() >= {
        *("id", "parameter", "nodeid", "title", "stage", "severity", "blocking", "outcome"),
        *("summary", "facts", "source", "observed_at", "duration_s", "remedy"),
    }


def test_a_record_read_back_writes_the_same_text(record: StageRecord) -> None:
    text = evidence_json.to_text(record)

    assert evidence_json.to_text(evidence_json.from_text(text)) == text


def test_a_record_read_back_has_the_same_results() -> None:
    record = samples.every_outcome()

    back = evidence_json.from_json(evidence_json.to_json(record))

    assert back == record_without_declarations(record, back)


def record_without_declarations(record: StageRecord, back: StageRecord) -> StageRecord:
    """The record with the remedies of items as an evidence file keeps them: where they count."""
    results = tuple(
        replace(was, item=replace(was.item, remedy=now.item.remedy))
        for was, now in zip(record.results, back.results, strict=True)
    )
    return replace(record, results=results)


def test_a_section_of_a_later_version_is_shown_beyond_the_runbook(data: dict[str, object]) -> None:
    [item, *_] = json.loads(json.dumps(data))["items"]
    later = item | {"section": "A later section", "symptom": "later", "new_field": 1}

    [result] = evidence_json.from_json(data | {"items": [later]}).results

    assert result.item.section is Section.BEYOND
    assert result.symptom is None


def test_the_symptom_that_counted_is_kept() -> None:
    of = samples.item("health.endpoint", symptom=Symptom.HEALTH_FAILING)
    record = samples.record_of((samples.result(of),))

    [result] = evidence_json.from_text(evidence_json.to_text(record)).results

    assert result.symptom is Symptom.HEALTH_FAILING


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": "chefrelease/evidence/2"}, "chefrelease/evidence/2"),
        ({"verdict": "FINE"}, "FINE"),
        ({"stage": "afterwards"}, "afterwards"),
        ({"started_at": "2026-11-24T10:00:00"}, "no time zone"),
        ({"started_at": "yesterday"}, "yesterday"),
        ({"items": [{"id": "x"}]}, "items"),
        ({"response": None}, "response"),
    ],
    ids=str,
)
def test_a_file_that_does_not_fit_is_refused(
    data: dict[str, object], change: dict[str, object], says: str
) -> None:
    with pytest.raises(Malformed, match=says):
        evidence_json.from_json(data | change)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": 1}', "\0\0\0"])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prerelease.json"
    path.write_text(text)

    with pytest.raises(Malformed) as refused:
        evidence_json.read(path)

    assert refused.value.where == "prerelease.json"
    assert refused.value.remedy


def test_a_measurement_that_is_no_number_is_written_as_null() -> None:
    odd = samples.result(samples.item("latency.p95"), facts={"n": 0, "p95_ms": float("nan")})

    text = evidence_json.to_text(samples.record_of((odd,)))

    assert json.loads(text, parse_constant=pytest.fail)["items"][0]["facts"]["p95_ms"] is None
