"""What ``chefrelease merge`` does: gather, judge, write, tell."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from pytest_chefrelease import ledger
from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.merge.gather import Part, gather
from pytest_chefrelease.merge.join import join
from pytest_chefrelease.merge.junit import united
from pytest_chefrelease.report import evidence_json, kept
from pytest_chefrelease.report.actor import actor
from pytest_chefrelease.report.atomic import write_atomically
from pytest_chefrelease.report.html import Surroundings, finish_html
from pytest_chefrelease.report.junit import finish_junit
from pytest_chefrelease.report.junit_flavour import flavour_of
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.record import StageRecord
from pytest_chefrelease.settings.load import load_settings


class Merged(Struct, frozen=True):
    """The record of the whole, and the files that were written."""

    record: StageRecord
    paths: tuple[Path, ...]


def merge(
    folders: Sequence[Path], reports: Path, stage: Stage | None, config: str | None
) -> Merged:
    """Merge the parts in ``folders`` into ``reports``.

    Raises SettingsError where the parts are of different releases, and OSError where a
    report cannot be written.
    """
    if reports.resolve() in {folder.resolve() for folder in folders}:
        raise SettingsError([f"{reports}: is one of the parts; name another folder by --reports"])
    settings = load_settings(Path.cwd(), {}, os.environ, config).settings
    # Whatever happens from here on, an older verdict does not stand for this one.
    for one in [stage] if stage else Stage:
        if any((folder / f"{one}.json").is_file() for folder in folders):
            kept.set_aside(reports, one.value)
    parts = gather(folders, stage)
    known = next(part.record for part in parts if part.record is not None)
    earlier = _other_stages([*folders, reports], known)
    text, told = united(_junit_files(parts, known.stage))
    record = join(parts, settings, earlier, told)
    paths = tuple(_write(record, reports, text, earlier))
    ledger.enter(Path(settings.report.ledger_path), record)
    return Merged(record, paths)


def _junit_files(parts: Sequence[Part], stage: Stage) -> list[Path]:
    paths = (part.folder / f"{stage}.xml" for part in parts if part.record is not None)
    return [path for path in paths if path.is_file()]


def _other_stages(folders: Sequence[Path], known: StageRecord) -> list[StageRecord]:
    """What other stages found, from wherever a part has it; of each stage the newest."""
    newest: dict[Stage, StageRecord] = {}
    for folder in folders:
        for record in kept.other_stages(folder, known.release, known.stage)[0]:
            there = newest.get(record.stage)
            if there is None or record.finished_at > there.finished_at:
                newest[record.stage] = record
    return [newest[stage] for stage in Stage if stage in newest]


def _write(
    record: StageRecord, reports: Path, junit: str, earlier: Sequence[StageRecord]
) -> list[Path]:
    page, xml = reports / f"{record.stage}.html", reports / f"{record.stage}.xml"
    write_atomically(xml, junit)
    finish_junit(xml, record, flavour=flavour_of(os.environ))
    before = kept.release_before(reports, record.release, record.stage)
    by = actor(os.environ, Path.cwd())
    finish_html(page, record, Surroundings(earlier=earlier, previous=before, by=by))
    evidence = kept.paths_of_evidence(reports, record)
    for path in evidence:
        write_atomically(path, evidence_json.to_text(record))
    return [page, xml, evidence[0]]
