"""`chefrelease board` and `chefrelease incident`: what the last runs of a release tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from markdown_it import MarkdownIt
from msgspec.structs import replace

from pytest_chefrelease.cli import chefrelease
from pytest_chefrelease.report import evidence_json
from pytest_chefrelease.runbook.evidence import Evidence, Timeline
from pytest_chefrelease.runbook.item import Severity, Stage
from pytest_chefrelease.runbook.outcome import Outcome
from pytest_chefrelease.runbook.quick_check import LINES
from pytest_chefrelease.runbook.record import StageRecord
from pytest_chefrelease.runbook.verdict import Run, decide
from tests.checks.work_tree import WorkTree
from tests.report import samples

SETTINGS = """
[environments.production]
api = "https://api.example"
[provider]
name = "fly"
app = "chefcloud-prod-api"
[release]
version = "v1.5.0"
previous_version = "v1.4.2"
"""


class Kept:
    """A repository with the records of earlier runs beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        tree = WorkTree.make(folder / "product")
        self.commit = tree.commit({"package.json": "{}"})
        settings = f'{SETTINGS}repository = "{tree.path}"\n'
        (folder / "release.toml").write_text(settings)

    def keep(self, *records: StageRecord) -> None:
        folder = self.folder / "reports/evidence" / self.commit[:12]
        folder.mkdir(parents=True, exist_ok=True)
        for record in records:
            (folder / f"{record.stage}.json").write_text(evidence_json.to_text(record))

    def call(self, *words: str) -> Result:
        return CliRunner().invoke(chefrelease, [*words, "--release-config", "release.toml"])


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.chdir(tmp_path)
    return Kept(tmp_path)


def green(stage: Stage, *lines: int, finished: datetime) -> StageRecord:
    """All well, with an item for each of the lines."""
    results = tuple(
        samples.result(samples.item(f"line.number-{n}", stage=stage, quick_check=n), Outcome.PASSED)
        for n in lines
    )
    return samples.record_of(results, stage, finished=finished)


def whole(now: datetime) -> list[StageRecord]:
    return [
        green(Stage.PRERELEASE, 1, 2, 3, 4, 5, finished=now - timedelta(hours=2)),
        green(Stage.POSTRELEASE, 6, 7, 8, finished=now - timedelta(minutes=40)),
        green(Stage.MONITORING, 9, 10, finished=now - timedelta(minutes=20)),
    ]


def test_after_the_watch_the_board_is_complete_with_ages(kept: Kept) -> None:
    kept.keep(*whole(datetime.now(UTC)))

    shown = kept.call("board")

    assert shown.exit_code == 0, shown.output
    for number, text in enumerate(LINES, start=1):
        assert any(f"{number:>2} {text}" in line and "passed" in line for line in
                   shown.output.splitlines())  # fmt: skip
    assert "prerelease   GO, 2 h" in shown.output
    assert "monitoring   GO, 20 min" in shown.output
    assert shown.output.rstrip().endswith("verdict: GO")


def test_a_stage_that_did_not_run_or_a_line_that_nobody_filled_holds_the_board(kept: Kept) -> None:
    first, second, third = whole(datetime.now(UTC))
    kept.keep(first, second)
    without = kept.call("board")
    kept.keep(green(Stage.MONITORING, 9, finished=third.finished_at))
    open_line = kept.call("board")

    assert (without.exit_code, open_line.exit_code) == (1, 1)
    assert "not run yet for this commit: monitoring" in without.output
    assert "10 Release documented (pending)" in open_line.output


def test_a_stage_that_is_no_go_makes_the_board_no_go(kept: Kept) -> None:
    *others, _ = whole(datetime.now(UTC))
    kept.keep(*others, failing_watch())

    shown = kept.call("board")

    assert shown.exit_code == 1
    assert shown.output.rstrip().endswith("verdict: NO-GO")


def test_damaged_evidence_is_told_and_is_no_go_for_nobody(kept: Kept) -> None:
    kept.keep(*whole(datetime.now(UTC)))
    path = kept.folder / "reports/evidence" / kept.commit[:12] / "postrelease.json"
    path.write_text("{")

    shown = kept.call("board")

    assert shown.exit_code == 1
    assert "postrelease.json" in shown.output
    assert "verdict: HOLD" in shown.output


def failing_watch() -> StageRecord:
    """Health failed from 40 s on; the watch began at 10:00."""
    item = samples.item("health.endpoint", severity=Severity.P1, stage=Stage.MONITORING)
    marks = ((0.0, "passed", "200 ok"), (40.0, "failed", "503 <b>`down`</b>"))
    evidence = Evidence("x", "y", samples.NOW, attachments=(Timeline("health", 900.0, marks),))
    result = replace(
        samples.result(item, Outcome.FAILED),
        summary="status 503 from GET /health",
        stage=Stage.MONITORING,
        evidence=evidence,
    )
    record = samples.record_of((result,), Stage.MONITORING)
    began = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
    return replace(record, started_at=began, verdict=decide(Run(Stage.MONITORING), (result,)))


def backup() -> StageRecord:
    result = samples.result(samples.item("backup.fresh", stage=Stage.PRERELEASE), Outcome.PASSED)
    evidence = Evidence("x", "y", samples.NOW, facts={"path": "backups/night.dump"})
    return samples.record_of((replace(result, evidence=evidence),), Stage.PRERELEASE)


def test_an_incident_is_answered_with_everything_that_is_known(kept: Kept) -> None:
    kept.keep(backup(), failing_watch())

    told = kept.call("incident").output

    assert "since 2026-11-24 10:00:40 UTC" in told
    assert "way back: v1.4.2 at fly, backup backups/night.dump" in told
    assert "P1: site completely down: immediate rollback  <- by what the gate found" in told
    assert "health.endpoint: status 503 from GET /health" in " ".join(told.split())
    assert "fly deploy --image IMAGE_OF_v1.4.2 -a chefcloud-prod-api" in told
    assert "pytest -m postrelease --release v1.4.2 --base-url=https://api.example" in told
    assert "by 2026-11-24 11:00:40 UTC" in " ".join(told.split())
    assert "fly secrets set DOCS_ENABLED=0 -a chefcloud-prod-api" in told
    assert "curl -s https://api.example/health" in told


def test_the_note_has_the_timeline_of_the_watch_and_nothing_from_outside_is_markup(
    kept: Kept,
) -> None:
    kept.keep(failing_watch())

    kept.call("incident", "P1")

    (note,) = (kept.folder / "reports").glob("incident-*.md")
    text = note.read_text()
    page = MarkdownIt("commonmark", {"html": True}).render(text)
    assert "- 2026-11-24 10:00:40 UTC: health.endpoint: failed. 503" in text
    assert "<b>" not in page
    assert "&lt;b&gt;`down`" in page
    for heading in ("What was seen", "Timeline (UTC)", "Response", "Cause"):
        assert f"<h2>{heading}" in page


def test_without_any_record_the_response_still_stands(kept: Kept) -> None:
    told = kept.call("incident", "P3")

    assert told.exit_code == 0
    assert "no run of the gate is kept for this release" in " ".join(told.output.split())
    assert "by what the gate found" not in told.output
    assert "Fix forward" in told.output
    assert "P1:" not in told.output
