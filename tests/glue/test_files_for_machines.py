"""CTRF, SARIF and a flavour of JUnit, where a user asks for them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.glue.running import Application, Gate

ASKED = ("--release-ctrf=out/ctrf.json", "--release-sarif=out/found.sarif")


def test_files_that_are_asked_for_are_written_beside_the_reports(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    application.status = 503
    stale = pytester.path / "out" / "ctrf.json"
    stale.parent.mkdir()
    stale.write_text("an older run's", encoding="utf-8")

    ran = gate(
        "-m",
        "postrelease",
        f"--base-url={application.url}",
        "--release-item=health.*",
        "--release-junit=gitlab",
        *ASKED,
    )

    ctrf = json.loads(stale.read_text(encoding="utf-8"))
    assert ctrf["results"]["summary"]["extra"]["verdict"] == ran.record()["verdict"] == "NO-GO"
    assert [test["status"] for test in ctrf["results"]["tests"]] == ["failed", "skipped"]
    sarif = json.loads((ran.folder / "out" / "found.sarif").read_text(encoding="utf-8"))
    assert sarif["version"] == "2.1.0"
    assert "out/ctrf.json" in ran.text
    assert (ran.folder / "reports" / "previous" / "ctrf.json").read_text() == "an older run's"
    case = ET.parse(ran.folder / "reports" / "postrelease.xml").getroot().find(".//testcase")
    assert case is not None
    assert case.get("file") == "verifications/test_health.py"  # only GitLab and GitHub read it


def test_a_flavour_that_nobody_reads_is_a_mistake(gate: Gate) -> None:
    ran = gate("-m", "postrelease", "--release-junit=bamboo")

    assert ran.code == 4
    assert "--release-junit" in ran.text
    assert "gitlab" in ran.text


def test_no_file_is_written_that_nobody_asked_for(gate: Gate, application: Application) -> None:
    ran = gate("-m", "postrelease", f"--base-url={application.url}", "--release-item=health.*")

    names = sorted(path.name for path in Path(ran.folder / "reports").glob("postrelease.*"))
    assert names == ["postrelease.html", "postrelease.json", "postrelease.xml"]
