"""A stage run in shards, as CI jobs do, and merged to one verdict."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from pytest_chefrelease.cli import chefrelease
from tests.glue.running import Application, Gate, only_health


def test_shards_share_the_tests_and_have_one_verdict(
    gate: Gate,
    application: Application,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    only_health(pytester)
    common = ("-m", "postrelease", f"--base-url={application.url}")
    whole = gate(*common, "--release-reports=whole").folder / "whole"
    first = gate(*common, "--release-reports=first", "--release-shard=1/2")
    monkeypatch.setenv("CHEFRELEASE_RELEASE_SHARD", "2/2")
    second = gate(*common, "--release-reports=second")
    monkeypatch.delenv("CHEFRELEASE_RELEASE_SHARD")

    merged = CliRunner().invoke(chefrelease, ["merge", "first", "second"])
    alone = CliRunner().invoke(chefrelease, ["merge", "first", "--reports", "alone"])

    # A shard alone is never GO, whatever it saw.
    assert (first.code, second.code) == (1, 1)
    assert "This is shard 1 of 2" in first.text
    assert (merged.exit_code, alone.exit_code) == (0, 1), merged.output
    assert "shard 2 of 2 is missing" in alone.output
    parts = [node_ids(first.folder / name) for name in ("first", "second")]
    assert not set(parts[0]) & set(parts[1])
    assert sorted(parts[0] + parts[1]) == node_ids(whole) == node_ids(first.folder / "reports")
    assert cases_of(whole) == cases_of(first.folder / "reports")
    assert '<property name="verdict" value="GO"' in junit(first.folder / "reports")
    assert '<property name="verdict" value="HOLD"' in junit(first.folder / "alone")


def junit(reports: Path) -> str:
    return (reports / "postrelease.xml").read_text(encoding="utf-8")


def cases_of(reports: Path) -> list[str]:
    cases = ET.fromstring(junit(reports)).iter("testcase")
    return sorted(f"{case.get('classname')}.{case.get('name')}" for case in cases)


def node_ids(reports: Path) -> list[str]:
    record = json.loads((reports / "postrelease.json").read_text(encoding="utf-8"))
    return sorted(item["nodeid"] for item in record["items"])
