"""Where doctor and plan are asked: settings and the repository of a directory."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from pytest_chefrelease.checks.own import include_own
from pytest_chefrelease.settings.load import load_settings
from pytest_chefrelease.settings.model import Settings


class Place(Struct, frozen=True):
    """A directory that pytest would run in: its settings, and the release's work tree."""

    directory: Path
    settings: Settings
    repository: Path


def settings_here(directory: Path, config: str | None) -> Place:
    """Settings as a stage run would read them, a team's own items included.

    Raises SettingsError with all mistakes.
    """
    loaded = load_settings(directory, {}, os.environ, config)
    base = loaded.path.parent if loaded.path else directory
    include_own(loaded.settings, base, loaded.places)
    repository = (base / loaded.settings.release.repository).resolve()
    return Place(directory, loaded.settings, repository)
