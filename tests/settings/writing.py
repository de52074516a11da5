"""How tests write a settings file and read what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.settings.load import Loaded, load_settings


def load(
    folder: Path,
    text: str | bytes = "",
    *,
    name: str = "release.toml",
    options: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Loaded:
    """Settings from a file with ``text``, as a run in ``folder`` reads them."""
    data = text.encode() if isinstance(text, str) else text
    (folder / name).write_bytes(data)
    return load_settings(folder, options or {}, environment or {})


def mistakes(
    folder: Path,
    text: str | bytes = "",
    *,
    name: str = "release.toml",
    options: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> list[str]:
    """The lines that a run in ``folder`` prints about a file with ``text``."""
    with pytest.raises(SettingsError) as caught:
        load(folder, text, name=name, options=options, environment=environment)
    return list(caught.value.mistakes)
