"""Reads the four sources of settings and lays them over each other.

The command line wins, then the environment (``CHEFRELEASE_…``), then the file, then the
defaults (DESIGN.md section 2).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_chefrelease.errors import SettingsError

Raw = dict[str, object]


@dataclass(frozen=True, slots=True)
class Option:
    """One setting that a command-line option and an environment variable can replace.

    ``name`` is the option (``--base-url``), ``key`` its path in release.toml;
    ``{environment}`` in the path stands for the environment that is released to.
    """

    name: str
    key: tuple[str, ...]
    metavar: str | None
    help: str
    repeatable: bool = False

    @property
    def variable(self) -> str:
        """The environment variable: ``CHEFRELEASE_BASE_URL``."""
        return "CHEFRELEASE_" + self.name.lstrip("-").replace("-", "_").upper()

    @property
    def dest(self) -> str:
        """The attribute under which pytest keeps the option's value."""
        return self.name.lstrip("-").replace("-", "_")


OPTIONS = (
    Option(
        "--base-url",
        ("environments", "{environment}", "api"),
        "URL",
        "address of the API that is verified",
    ),
    Option(
        "--web-url",
        ("environments", "{environment}", "web"),
        "URL",
        "address of the web front that is verified",
    ),
    Option(
        "--watch",
        ("monitoring", "watch"),
        "DURATION",
        "how long pytest -m monitoring watches, such as 15m (the default)",
    ),
    Option(
        "--allow-unverified",
        ("verdict", "allow_unverified"),
        None,
        "let items that could not be verified warn instead of holding the release",
    ),
    Option(
        "--release",
        ("release", "version"),
        "VERSION",
        "the release's version; default: the newest tag that HEAD carries",
    ),
    Option(
        "--release-env",
        ("release", "environment"),
        "NAME",
        "the environment that is released to; default: production",
    ),
    Option(
        "--release-item",
        ("release", "items"),
        "GLOB",
        "verify only items that match, such as 'secrets.*' (repeatable)",
        repeatable=True,
    ),
    Option(
        "--release-reports",
        ("report", "directory"),
        "DIR",
        "where reports are written; default: reports",
    ),
)
CONFIG_OPTION = Option("--release-config", (), "FILE", "the settings file; default: release.toml")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file as it was read: ``table`` is where its settings begin."""

    path: Path
    data: Raw
    table: tuple[str, ...] = ()


def find_file(directory: Path, explicit: str | None) -> SettingsFile | None:
    """The file named, else release.toml, else ``[tool.chefrelease]`` of pyproject.toml.

    Raises SettingsError when a named file is missing or a file is not TOML.
    """
    if explicit is not None:
        path = directory / explicit
        if not path.is_file():
            raise SettingsError([f"{explicit}: no such file; --release-config names a TOML file"])
        return SettingsFile(path, _read_toml(path))
    path = directory / "release.toml"
    if path.is_file():
        return SettingsFile(path, _read_toml(path))
    path = directory / "pyproject.toml"
    if path.is_file():
        tool = _read_toml(path).get("tool")
        table = tool.get("chefrelease") if isinstance(tool, dict) else None
        if isinstance(table, dict):
            return SettingsFile(path, table, ("tool", "chefrelease"))
    return None


def _read_toml(path: Path) -> Raw:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8"))
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).partition(" (at ")
        line = place.split(",")[0].removeprefix("line ") if place.startswith("line") else "end"
        raise SettingsError([f"{path.name}:{line}: not TOML: {message}"]) from None
    except UnicodeDecodeError as error:
        raise SettingsError([f"{path.name}: not UTF-8 at byte {error.start}"]) from None
    except OSError as error:
        raise SettingsError([f"{path.name}: cannot be read: {error.strerror}"]) from None


def overlay(
    raw: Raw, options: Mapping[str, object], environment: Mapping[str, str]
) -> tuple[Raw, dict[tuple[str, ...], str]]:
    """Lay options and environment over the file's data.

    Returns the merged data, and for each replaced key where its value came from
    (``--base-url``, ``CHEFRELEASE_BASE_URL``), for messages.
    """
    merged = _copy(raw)
    origins: dict[tuple[str, ...], str] = {}
    chosen = {option: _chosen(option, options, environment) for option in OPTIONS}
    for option, found in chosen.items():
        if found is None:
            continue
        value, origin = found
        key = tuple(
            _environment_name(merged, chosen) if k == "{environment}" else k for k in option.key
        )
        _set(merged, key, value)
        origins[key] = origin
    return merged, origins


def _chosen(
    option: Option, options: Mapping[str, object], environment: Mapping[str, str]
) -> tuple[object, str] | None:
    value = options.get(option.dest)
    if value not in (None, False, [], ()):
        return value, option.name
    text = environment.get(option.variable)
    if text is None or text == "":
        return None
    if option.repeatable:
        return [part.strip() for part in text.split(",") if part.strip()], option.variable
    if option.metavar is None:
        return _flag(text), option.variable
    return text, option.variable


def _flag(text: str) -> object:
    """A flag's usual words; anything else is left for validation to name."""
    return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(
        text.lower(), text
    )


def _environment_name(merged: Raw, chosen: Mapping[Option, tuple[object, str] | None]) -> str:
    for option, found in chosen.items():
        if option.name == "--release-env" and found is not None:
            return str(found[0])
    release = merged.get("release")
    name = release.get("environment") if isinstance(release, dict) else None
    return name if isinstance(name, str) else "production"


def _copy(raw: Raw) -> Raw:
    return {k: _copy(v) if isinstance(v, dict) else v for k, v in raw.items()}


def _set(raw: Raw, key: tuple[str, ...], value: object) -> None:
    table = raw
    for part in key[:-1]:
        inner = table.setdefault(part, {})
        if not isinstance(inner, dict):
            return  # a mistake in the file, which validation names
        table = inner
    table[key[-1]] = value
