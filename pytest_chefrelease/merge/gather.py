"""Gathers the parts of a stage from the report folders of shards, and demands one identity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from pytest_chefrelease.errors import Malformed, SettingsError
from pytest_chefrelease.report import evidence_json
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.record import StageRecord


class Part(Struct, frozen=True):
    """One shard's folder: its record, or why there is none."""

    folder: Path
    record: StageRecord | None
    problem: str = ""

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.folder)


def gather(folders: Sequence[Path], stage: Stage | None) -> list[Part]:
    """The parts in these folders. A folder without usable evidence is a part that is missing.

    Raises SettingsError where a folder holds several stages and none is asked for, where the
    parts are of different releases, and where there is nothing to merge at all.
    """
    found = {folder: _stages(folder, stage) for folder in dict.fromkeys(folders)}
    several = {folder: stages for folder, stages in found.items() if len(stages) > 1}
    if several:
        raise SettingsError(
            [
                f"{folder}: holds {' and '.join(stages)}; say which by --stage"
                for folder, stages in several.items()
            ]
        )
    parts = [_part(folder, stages) for folder, stages in found.items()]
    if not any(part.record for part in parts):
        raise SettingsError([f"{part.name}: {part.problem}; nothing to merge" for part in parts])
    if differences := list(_differences(parts)):
        raise SettingsError(differences)
    return parts


def _stages(folder: Path, stage: Stage | None) -> list[Stage]:
    wanted = [stage] if stage else list(Stage)
    return [one for one in wanted if (folder / f"{one}.json").is_file()]


def _part(folder: Path, stages: Sequence[Stage]) -> Part:
    if not folder.is_dir():
        return Part(folder, None, "is no folder")
    if not stages:
        return Part(folder, None, "holds no evidence")
    try:
        return Part(folder, evidence_json.read(folder / f"{stages[0]}.json"))
    except Malformed as error:
        return Part(folder, None, f"its evidence is damaged: {error.summary}")
    except OSError as error:
        return Part(folder, None, f"its evidence cannot be read: {error.strerror}")


_IDENTITY: dict[str, Callable[[StageRecord], str | None]] = {
    "stage": lambda record: record.stage.value,
    "version": lambda record: record.release.version,
    "commit": lambda record: record.release.commit,
    "environment": lambda record: record.release.environment,
    "image": lambda record: record.release.image,
}


def _differences(parts: Sequence[Part]) -> list[str]:
    """In what the parts differ that must be one, each with who says what."""
    found = []
    for name, of in _IDENTITY.items():
        said: dict[str, list[str]] = {}
        for part in parts:
            if part.record is not None:
                said.setdefault(of(part.record) or "unknown", []).append(part.name)
        if len(said) > 1:
            sides = "; ".join(f"{value} in {', '.join(names)}" for value, names in said.items())
            found.append(f"{name}: the parts are not of one release: {sides}")
    return found
