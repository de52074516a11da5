"""Screenshots as files, named where GitLab and Jenkins look for them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from msgspec.structs import replace

from pytest_chefrelease.report.attachments import relative_to_project, write_pictures
from pytest_chefrelease.report.junit import finish_junit
from pytest_chefrelease.report.junit_flavour import FLAVOURS
from pytest_chefrelease.runbook.evidence import Picture
from pytest_chefrelease.runbook.outcome import Outcome
from pytest_chefrelease.runbook.record import StageRecord
from tests.report import samples


def pictured() -> StageRecord:
    """A run of which one failed and one passed result has a picture."""
    plain = samples.every_outcome()
    image = next(
        each
        for result in plain.results
        if result.evidence
        for each in result.evidence.attachments
        if isinstance(each, Picture)
    )
    evidence = samples.all_well().results[0].evidence
    assert evidence is not None
    seen = replace(evidence, attachments=(image,))
    results = tuple(
        replace(result, evidence=seen if result.outcome is outcome else None)
        for outcome in (Outcome.FAILED, Outcome.PASSED)
        for result in plain.results[:]
        if result.outcome is outcome
    )
    return replace(plain, results=results)


def test_only_what_did_not_pass_has_its_picture_as_a_file(tmp_path: Path) -> None:
    record = pictured()

    written = write_pictures(tmp_path, record)

    failed = [r.label for r in record.results if r.outcome is Outcome.FAILED]
    assert list(written) == failed != []
    for path in written.values():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.name.startswith(f"{record.stage}.")  # set aside with the other reports
    assert len(list(tmp_path.iterdir())) == len(failed)


def test_the_file_is_named_in_the_testcase_relative_to_the_project(tmp_path: Path) -> None:
    record = pictured()
    label, path = next(iter(write_pictures(tmp_path / "reports", record).items()))
    named = relative_to_project(path, {"CI_PROJECT_DIR": str(tmp_path)}, Path("/elsewhere"))
    xml = tmp_path / "stage.xml"

    finish_junit(xml, record, flavour=FLAVOURS["gitlab"], attachments={label: named})

    said = [each.text or "" for each in ET.parse(xml).getroot().iter("system-out")]
    assert named.startswith("reports/")
    assert [text for text in said if "ATTACHMENT" in text] == [f"[[ATTACHMENT|{named}]]"]
