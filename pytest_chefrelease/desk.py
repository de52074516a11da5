"""What is known here of a release: settings, identity, and what each stage's last run recorded."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from pytest_chefrelease.checks.own import include_own
from pytest_chefrelease.probes.git import identify_release
from pytest_chefrelease.report.kept import all_stages
from pytest_chefrelease.runbook.record import StageRecord
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.load import load_settings
from pytest_chefrelease.settings.model import Settings
from pytest_chefrelease.settings.sources import OPTIONS


class Desk(Struct, frozen=True):
    """A release and its records, in the order of the stages; ``problems`` are unreadable ones."""

    settings: Settings
    repository: Path
    release: Release
    reports: Path
    records: tuple[StageRecord, ...]
    problems: tuple[str, ...]


def open_desk(
    directory: Path,
    *,
    config: str | None = None,
    version: str | None = None,
    reports: str | None = None,
) -> Desk:
    """The desk of a directory that pytest would run in; options as pytest's of those names.

    Raises SettingsError with all mistakes.
    """
    named = {"--release": version, "--release-reports": reports}
    options = {option.dest: named.get(option.name) for option in OPTIONS}
    loaded = load_settings(directory, options, os.environ, config)
    base = loaded.path.parent if loaded.path else directory
    include_own(loaded.settings, base, loaded.places)
    repository = (base / loaded.settings.release.repository).resolve()
    release = identify_release(loaded.settings, repository)
    folder = directory / loaded.settings.report.directory
    records, problems = all_stages(folder, release)
    return Desk(loaded.settings, repository, release, folder, records, tuple(problems))
