"""Shards are one run together: one record, one JUnit file, one verdict, and no gap unseen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from junitparser import JUnitXml
from msgspec.structs import replace

from pytest_chefrelease.cli import chefrelease
from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.merge import desk
from pytest_chefrelease.report import evidence_json
from pytest_chefrelease.report.junit import finish_junit
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.record import Course, StageRecord, incompleteness
from pytest_chefrelease.runbook.shard import Shard
from tests.report import samples

WHOLE = samples.all_well(Stage.PRERELEASE)


class Shards:
    """Report folders of shards, as CI jobs leave them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def shard(self, number: int, total: int, record: StageRecord = WHOLE) -> Path:
        """The part of the record that the shard verified; what the others do it left out."""
        shard = Shard(number, total)
        mine = tuple(r for n, r in enumerate(record.results) if shard.takes(n))
        rest = tuple(r.label for r in record.results if r not in mine and r.blocking)
        course = replace(record.course, shard=shard, left_out=rest)
        return self.part(f"shard-{number}", mine, replace(record, course=course))

    def part(self, name: str, results: Sequence[Result], like: StageRecord = WHOLE) -> Path:
        folder = self.folder / name
        folder.mkdir()
        notes = tuple(incompleteness(like.course))
        record = replace(like, results=tuple(results), notes=notes)
        text = evidence_json.to_text(record)
        (folder / f"{record.stage}.json").write_text(text, encoding="utf-8")
        finish_junit(folder / f"{record.stage}.xml", record)
        return folder

    def merge(self, *folders: Path) -> StageRecord:
        return desk.merge(folders, self.folder / "reports", None, None).record


@pytest.fixture
def shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shards:
    monkeypatch.chdir(tmp_path)
    return Shards(tmp_path)


def labels(record: StageRecord) -> list[str]:
    return sorted(result.label for result in record.results)


def test_all_shards_together_are_the_whole_and_go(shards: Shards) -> None:
    record = shards.merge(*(shards.shard(n, 3) for n in (1, 2, 3)))
    assert record.verdict.is_go
    assert labels(record) == labels(WHOLE)
    assert (record.course.left_out, record.notes) == ((), ())
    assert [line.outcome for line in record.quick_check] == [
        line.outcome for line in WHOLE.quick_check
    ]


def test_a_shard_that_is_not_there_makes_hold_and_is_named(shards: Shards) -> None:
    record = shards.merge(shards.shard(1, 3), shards.shard(3, 3))
    assert record.verdict.decision == "HOLD"
    assert record.verdict.sentence == "The evidence is not whole: shard 2 of 3 is missing."
    assert record.course.left_out != ()


def test_a_folder_without_evidence_makes_hold_even_for_hosts(shards: Shards) -> None:
    empty = shards.folder / "host-b"
    empty.mkdir()
    record = shards.merge(shards.part("host-a", WHOLE.results), empty)
    assert record.verdict.decision == "HOLD"
    assert "host-b (holds no evidence) is missing" in record.verdict.sentence


def test_damaged_evidence_is_missing_evidence(shards: Shards) -> None:
    second = shards.shard(2, 2)
    path = second / "prerelease.json"
    path.write_bytes(path.read_bytes()[:-200])
    record = shards.merge(shards.shard(1, 2), second)
    assert record.verdict.decision == "HOLD"
    assert "its evidence is damaged" in record.verdict.sentence


def test_what_no_shard_did_is_left_out_of_the_whole(shards: Shards) -> None:
    like = replace(WHOLE, course=Course(left_out=("ci.commit-on-main", "version.tag")))
    record = shards.merge(shards.part("a", WHOLE.results, like))
    assert record.course.left_out == ("ci.commit-on-main",)
    assert record.verdict.sentence.startswith("The run is partial: 1 blocking check")


def test_one_failure_in_one_shard_is_no_go_of_the_whole(shards: Shards) -> None:
    failed = replace(WHOLE.results[3], outcome=Outcome.FAILED, summary="it is wrong")
    results = (*WHOLE.results[:3], failed, *WHOLE.results[4:])
    broken = replace(WHOLE, results=results)
    record = shards.merge(shards.shard(1, 2, broken), shards.shard(2, 2, broken))
    assert record.verdict.decision == "NO-GO"


def test_an_interrupted_shard_holds_the_whole(shards: Shards) -> None:
    like = replace(WHOLE, course=Course(interrupted="it was interrupted"))
    record = shards.merge(shards.part("a", WHOLE.results, like), shards.part("b", WHOLE.results))
    assert record.verdict.decision == "HOLD"
    assert "a: it was interrupted" in record.verdict.sentence


def test_where_two_hosts_disagree_the_graver_outcome_stands_and_is_told(shards: Shards) -> None:
    failed = replace(WHOLE.results[3], outcome=Outcome.FAILED, summary="not from this host")
    record = shards.merge(
        shards.part("a", WHOLE.results), shards.part("b", (*WHOLE.results[:3], failed))
    )
    assert record.verdict.decision == "NO-GO"
    assert any(f"{failed.label}: the parts saw failed and passed" in n for n in record.notes)


def test_parts_of_different_releases_are_not_merged_and_say_in_what_they_differ(
    shards: Shards,
) -> None:
    release = replace(WHOLE.release, commit="f" * 40, environment="canary")
    parts = [
        shards.part("a", WHOLE.results),
        shards.part("b", WHOLE.results, replace(WHOLE, release=release)),
    ]
    with pytest.raises(SettingsError) as error:
        shards.merge(*parts)
    first, second = str(error.value).splitlines()
    assert first.startswith(f"commit: the parts are not of one release: {samples.COMMIT} in ")
    assert second.startswith("environment: the parts are not of one release: production in ")


def test_different_stages_are_not_merged(shards: Shards) -> None:
    other = samples.all_well(Stage.POSTRELEASE)
    parts = [shards.part("a", WHOLE.results), shards.part("b", other.results, other)]
    with pytest.raises(SettingsError, match="stage: the parts are not of one release"):
        shards.merge(*parts)


def test_what_one_part_was_not_allowed_the_whole_is_not(shards: Shards) -> None:
    open_one = replace(WHOLE.results[0], outcome=Outcome.UNVERIFIED)
    lenient = replace(WHOLE, course=Course(allow_unverified=True))
    record = shards.merge(
        shards.part("a", (open_one,), lenient), shards.part("b", WHOLE.results[1:])
    )
    assert record.verdict.decision == "HOLD"


def test_the_junit_file_holds_every_test_once_and_ordinary_failures(shards: Shards) -> None:
    folders = [shards.shard(1, 2), shards.shard(2, 2)]
    path = folders[1] / "prerelease.xml"
    mine = (
        '<testcase classname="tests.test_mine" name="test_mine">'
        '<failure message="assert 1 == 2">assert 1 == 2</failure></testcase></testsuite>'
    )
    path.write_text(path.read_text().replace("</testsuite>", mine))
    evidence = folders[1] / "prerelease.json"
    text = evidence.read_text().replace('"shard": "2/2"', '"shard": "2/2", "foreign_failures": 1')
    evidence.write_text(text)

    record = shards.merge(*folders)

    merged = shards.folder / "reports" / "prerelease.xml"
    suites = list(JUnitXml.fromfile(str(merged)))
    names = [case.name for case in suites[0]]
    assert len(suites) == 1
    assert len(names) == len(set(names)) == len(WHOLE.results) + 1
    assert (suites[0].tests, suites[0].failures) == (len(names), 1)
    assert '<property name="verdict" value="NO-GO" />' in merged.read_text()
    assert "Beside the items failed tests.test_mine.test_mine: assert 1 == 2" in record.notes


def test_page_evidence_and_board_are_written_for_the_whole(shards: Shards) -> None:
    folders = [shards.shard(n, 2) for n in (1, 2)]
    record = shards.merge(*folders)
    reports = shards.folder / "reports"
    kept = reports / "evidence" / samples.COMMIT[:12] / "prerelease.json"
    assert evidence_json.read(reports / "prerelease.json") == evidence_json.read(kept)
    assert evidence_json.read(kept).verdict == record.verdict
    page = (reports / "prerelease.html").read_text(encoding="utf-8")
    assert "<title>GO prerelease: v1.5.0" in page
    assert all(result.summary in page for result in WHOLE.results)


def test_an_older_merged_go_does_not_stand_after_one_that_was_refused(shards: Shards) -> None:
    shards.merge(shards.part("a", WHOLE.results))
    release = replace(WHOLE.release, version="v1.6.0")
    other = shards.part("b", WHOLE.results, replace(WHOLE, release=release))
    with pytest.raises(SettingsError, match="version"):
        shards.merge(shards.folder / "a", other)
    assert not list((shards.folder / "reports").glob("prerelease.*"))
    assert (shards.folder / "reports" / "previous" / "prerelease.html").is_file()


def test_the_command_exits_by_the_verdict(shards: Shards) -> None:
    one, two = str(shards.shard(1, 2)), str(shards.shard(2, 2))
    run = CliRunner().invoke
    go = run(chefrelease, ["merge", one, two])
    hold = run(chefrelease, ["merge", one])
    nothing = run(chefrelease, ["merge", str(shards.folder / "nowhere")])
    assert (go.exit_code, hold.exit_code) == (0, 1)
    assert go.output.rstrip().endswith("verdict: GO")
    assert hold.output.rstrip().endswith("verdict: HOLD")
    assert isinstance(nothing.exception, SettingsError)
