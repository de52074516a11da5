"""The record in CTRF."""

from __future__ import annotations

import json

import pytest

from pytest_chefrelease.report.ctrf import to_ctrf
from pytest_chefrelease.runbook.record import StageRecord
from tests.report import samples

RECORDS = [samples.every_outcome(), samples.hostile()]


def test_the_summary_counts_what_the_tests_say() -> None:
    document = json.loads(to_ctrf(samples.every_outcome()))
    results = document["results"]

    assert (document["reportFormat"], document["specVersion"]) == ("CTRF", "1.0.0")
    statuses = [test["status"] for test in results["tests"]]
    for status in ("passed", "failed", "skipped", "pending", "other"):
        assert results["summary"][status] == statuses.count(status)
    assert results["summary"]["tests"] == len(statuses) == 8
    assert results["summary"]["stop"] - results["summary"]["start"] == 41_000


def test_a_hold_is_not_hidden() -> None:
    document = json.loads(to_ctrf(samples.every_outcome()))
    tests = {test["name"]: test for test in document["results"]["tests"]}

    assert document["results"]["summary"]["extra"]["verdict"] == "NO-GO"
    assert (tests["logs.no-5xx"]["status"], tests["logs.no-5xx"]["rawStatus"]) == (
        "other",
        "unverified",
    )
    assert tests["latency.regression"]["status"] == "other"
    assert tests["latency.p95[GET /orders]"]["status"] == "failed"
    assert tests["latency.p95[GET /orders]"]["duration"] == 31_200


@pytest.mark.parametrize("record", RECORDS, ids=["usual", "hostile"])
def test_each_test_has_what_the_schema_requires(record: StageRecord) -> None:
    document = json.loads(to_ctrf(record), parse_constant=pytest.fail)

    for test in document["results"]["tests"]:
        assert test["name"]
        assert test["status"] in ("passed", "failed", "skipped", "pending", "other")
        assert isinstance(test["duration"], int)
        assert test["suite"]
        assert all(isinstance(v, str | int | bool) for v in test["labels"].values())
        assert test.keys() <= {
            *("name", "status", "rawStatus", "duration", "suite", "message", "filePath"),
            *("type", "labels", "extra"),
        }
