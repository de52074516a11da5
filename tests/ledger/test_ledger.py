"""The ledger remembers whole runs, and the gate's track record is read from it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from pytest_chefrelease import ledger
from pytest_chefrelease.cli import chefrelease
from pytest_chefrelease.errors import Malformed, NotConfigured, SettingsError
from pytest_chefrelease.probes.ledger import LedgerProbe
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.record import Course, StageRecord
from pytest_chefrelease.runbook.shard import Shard
from pytest_chefrelease.runbook.track_record import Became
from pytest_chefrelease.runbook.verdict import Run, decide
from tests.checks.looking import verified
from tests.report import samples


def record(version: str, outcome: Outcome = Outcome.PASSED, summary: str = "") -> StageRecord:
    plain = samples.all_well(Stage.PRERELEASE)
    first = replace(plain.results[0], outcome=outcome, summary=summary or "as it was seen")
    results = (first, *plain.results[1:])
    return replace(
        plain,
        release=replace(plain.release, version=version),
        results=results,
        verdict=decide(Run(plain.stage), results),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "ledger.sqlite"


def became(path: Path, version: str, word: Became) -> None:
    ledger.say_outcome(path, version, word, by="Ada", note="", at=datetime.now(UTC))


def looked_at(path: Path) -> Result:
    """What release.track-record finds for v1.5.0."""
    tables = {"report": {"ledger": str(path)}}
    return verified("release.track-record", tables, stage=Stage.PRERELEASE)


def test_runs_are_remembered_the_newest_first_with_what_became_of_them(path: Path) -> None:
    ledger.enter(path, record("v1.4.1"))
    ledger.enter(path, record("v1.4.2", Outcome.FAILED))
    became(path, "v1.4.1", Became.GOOD)
    became(path, "v1.4.1", Became.INCIDENT)

    newest, oldest = LedgerProbe(path).runs()

    assert (newest.version, newest.verdict, newest.became) == ("v1.4.2", "NO-GO", None)
    assert (oldest.version, oldest.verdict, oldest.became) == ("v1.4.1", "GO", "incident")
    assert oldest.commit == samples.COMMIT
    assert len(LedgerProbe(path).results()) == 2 * len(record("v1").results)


def test_a_shard_and_a_run_of_nothing_are_not_remembered(path: Path) -> None:
    ledger.enter(path, replace(record("v1"), course=Course(shard=Shard(1, 2))))
    ledger.enter(path, replace(record("v1"), results=()))
    with pytest.raises(NotConfigured):
        LedgerProbe(path).runs()


def test_an_outcome_of_an_unknown_version_is_a_mistake(path: Path) -> None:
    ledger.enter(path, record("v1.4.2"))
    with pytest.raises(SettingsError, match=r'did you mean "v1\.4\.2"'):
        became(path, "v1.4.3", Became.GOOD)


@pytest.mark.parametrize("content", [b"no database at all, only text" * 99, None])
def test_what_is_no_ledger_is_neither_read_nor_overwritten(
    path: Path, content: bytes | None
) -> None:
    path.parent.mkdir()
    if content is None:
        with sqlite3.connect(path) as connection:
            connection.execute("pragma user_version = 99")
        connection.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(OSError, match=r"not a database|format 99"):
        ledger.enter(path, record("v1"))
    with pytest.raises(Malformed):
        LedgerProbe(path).runs()
    assert path.read_bytes() == before


def test_a_run_that_is_cut_off_is_not_entered_at_all(path: Path) -> None:
    ledger.enter(path, record("v1"))
    plain = record("v2")
    item = replace(plain.results[-1].item, id=None)
    broken = replace(plain, results=(*plain.results, replace(plain.results[-1], item=item)))
    with pytest.raises(OSError, match="NOT NULL"):
        ledger.enter(path, broken)
    assert [run.version for run in LedgerProbe(path).runs()] == ["v1"]


def test_without_a_past_there_is_no_track_record(path: Path) -> None:
    assert looked_at(path).outcome is Outcome.NOT_APPLICABLE
    ledger.enter(path, record("v1.5.0", Outcome.FAILED))
    assert looked_at(path).outcome is Outcome.NOT_APPLICABLE


def test_a_past_of_which_nobody_has_said_anything_is_unverified(path: Path) -> None:
    ledger.enter(path, record("v1.4.2"))
    seen = looked_at(path)
    assert seen.outcome is Outcome.UNVERIFIED
    assert seen.remedy.startswith("chefrelease outcome v1.4.2 good")
    assert not seen.holds


def test_rightful_blocks_pass_and_are_counted(path: Path) -> None:
    ledger.enter(path, record("v1.4.1", Outcome.FAILED))
    ledger.enter(path, record("v1.4.1"))
    ledger.enter(path, record("v1.4.2"))
    became(path, "v1.4.2", Became.INCIDENT)

    seen = looked_at(path)

    assert seen.outcome is Outcome.PASSED
    assert seen.evidence is not None
    counted = {"releases": 2, "judged_releases": 1, "blocked": 1, "rightly": 1, "wrongly": 0}
    assert counted.items() <= seen.evidence.facts.items()
    assert seen.evidence.facts["went_wrong_after_go"] == 1


def test_an_item_that_was_overruled_again_and_again_without_harm_warns(path: Path) -> None:
    for version in ("v1.4.0", "v1.4.1", "v1.4.2"):
        ledger.enter(path, record(version, Outcome.FAILED))
        became(path, version, Became.GOOD)
    seen = looked_at(path)
    assert seen.outcome is Outcome.FAILED
    assert not seen.blocks
    assert "ci.required-checks 3 of 3 times" in seen.summary


def test_what_a_shadow_item_would_have_done_is_remembered(path: Path) -> None:
    ledger.enter(path, record("v1.4.2", Outcome.SHADOW, "would have failed: it is red"))
    became(path, "v1.4.2", Became.ROLLED_BACK)
    seen = looked_at(path)
    assert seen.evidence is not None
    assert (seen.evidence.facts["blocked"], seen.evidence.facts["rightly"]) == (0, 1)


def test_the_commands_write_and_list(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parents[1])
    ledger.enter(path, record("v1.4.2", Outcome.FAILED))
    said = CliRunner().invoke(chefrelease, ["outcome", "v1.4.2", "rolled-back", "--note", "5xx"])
    listed = CliRunner().invoke(chefrelease, ["history"])
    assert (said.exit_code, listed.exit_code) == (0, 0), said.output + listed.output
    (line,) = listed.output.splitlines()
    assert line.split()[2:7] == ["v1.4.2", "prerelease", "production", "NO-GO", "rolled-back"]
