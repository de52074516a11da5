"""Evidence that is kept: of each stage per release commit, and the set that a new run replaces."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.report import evidence_json
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.record import StageRecord
from pytest_chefrelease.runbook.release import Release

PREVIOUS = "previous"
"""The folder beside the reports that holds the set before this one."""


def paths_of_evidence(reports: Path, record: StageRecord) -> list[Path]:
    """Where a stage's evidence goes: beside its reports, and to its release's."""
    folder = _folder(reports, record.release)
    name = f"{record.stage}.json"
    return [reports / name, *([folder / name] if folder else [])]


def other_stages(
    reports: Path, release: Release, stage: Stage
) -> tuple[tuple[StageRecord, ...], list[str]]:
    """What the other stages found about this very commit, and what could not be read."""
    return _of(reports, release, [other for other in Stage if other is not stage])


def all_stages(reports: Path, release: Release) -> tuple[tuple[StageRecord, ...], list[str]]:
    """What every stage's last run found about this very commit, and what could not be read."""
    return _of(reports, release, list(Stage))


def _of(
    reports: Path, release: Release, stages: Iterable[Stage]
) -> tuple[tuple[StageRecord, ...], list[str]]:
    folder = _folder(reports, release)
    found: list[StageRecord] = []
    problems: list[str] = []
    for stage in stages:
        path = folder / f"{stage}.json" if folder else None
        if path is None or not path.is_file():
            continue
        try:
            found.append(evidence_json.read(path))
        except Malformed as error:
            problems.append(f"earlier evidence is left out: {error.summary}")
        except OSError as error:
            problems.append(f"earlier evidence is left out: {error}")
    return tuple(found), problems


def release_before(reports: Path, release: Release, stage: Stage) -> StageRecord | None:
    """The same stage of the release before, to the same environment; None where none is kept.

    That is the version that preceded this one where it is known, else the newest other. What
    cannot be read is no help to a comparison, and no harm to the verdict.
    """
    paths = sorted((reports / "evidence").glob(f"*/{stage}.json"), key=_age)
    found: list[StageRecord] = []
    for path in paths[:_MOST_KEPT]:
        try:
            record = evidence_json.read(path)
        except (OSError, Malformed):
            continue
        other = record.release
        if other.environment == release.environment and other.version != release.version:
            found.append(record)
    named = [r for r in found if r.release.version == (release.previous_version or "")]
    return max(named or found, key=lambda record: record.finished_at, default=None)


_MOST_KEPT = 20


def _age(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0


def set_aside(reports: Path, stage: str, named: Iterable[Path] = ()) -> None:
    """Move a stage's older files, and those ``named``, whole into the folder of the set before.

    Raises OSError where one cannot be moved. Moving takes no space on a disk that is full.
    """
    older = [path for path in (*reports.glob(f"{stage}.*"), *named) if path.is_file()]
    if not older:
        return
    target = reports / PREVIOUS
    target.mkdir(exist_ok=True, parents=True)
    # One run's files stand together, never two runs' side by side.
    for stale in target.glob(f"{stage}.*"):
        stale.unlink()
    for path in older:
        if path.is_file():  # a named one may be one of the stage's
            shutil.move(path, target / path.name)


def _folder(reports: Path, release: Release) -> Path | None:
    return reports / "evidence" / release.commit[:12] if release.commit else None
