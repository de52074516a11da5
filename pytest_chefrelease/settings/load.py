"""Loads settings: every mistake at once, each on one line with its place and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from pydantic import ValidationError

from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.settings.files import Raw, find_file
from pytest_chefrelease.settings.known_keys import nearest
from pytest_chefrelease.settings.mistakes import describe
from pytest_chefrelease.settings.model import Settings
from pytest_chefrelease.settings.places import Origins, Places
from pytest_chefrelease.settings.sources import overlay

_DEEPEST = 10
"""Tables are nested less deep than this; what is deeper is a mistake in any case."""


class Loaded(Struct, frozen=True):
    """Settings, the file they came from (None where there is none), and where each key stands."""

    settings: Settings
    path: Path | None
    places: Places


def load_settings(
    directory: Path,
    options: Mapping[str, object],
    environment: Mapping[str, str],
    config: str | None = None,
) -> Loaded:
    """Read and validate settings for a run in ``directory``.

    ``options`` are command-line values by destination, ``config`` is --release-config.
    Raises SettingsError with all mistakes. No network is touched.
    """
    file = find_file(directory, config or environment.get("CHEFRELEASE_RELEASE_CONFIG") or None)
    data, origins = overlay(file.data if file else {}, options, environment)
    places = Places(file, origins)
    settings = validate(data, places)
    _demand_a_known_environment(settings, places)
    return Loaded(settings, file.path if file else None, places)


def validate(data: Raw, places: Places | None = None) -> Settings:
    """Settings from the data of all sources. Raises SettingsError with all mistakes.

    Types are those of TOML: a number in quotes is text.
    """
    places = places or Places(None, Origins())
    try:
        return Settings.model_validate(_with_tuples(data), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    raise SettingsError(describe(details, data, places))


def _with_tuples(value: object, depth: int = 0) -> object:
    """Lists as tuples: strict validation demands what the settings' types say."""
    if depth > _DEEPEST:
        return value
    if isinstance(value, dict):
        return {key: _with_tuples(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return tuple(_with_tuples(inner, depth + 1) for inner in value)
    return value


def _demand_a_known_environment(settings: Settings, places: Places) -> None:
    """A name one letter beside a configured one would verify nothing, and silently so."""
    name = settings.release.environment
    near = nearest(name, tuple(settings.environments), cutoff=0.5)
    if name not in settings.environments and near is not None:
        place = places.name(("release", "environment"))
        raise SettingsError([f'{place}: no such environment; did you mean "{near}"?'])
