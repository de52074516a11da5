"""Finds and reads the settings file: release.toml, or a table of pyproject.toml."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.settings.lines import line_of

Raw = dict[str, object]
MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)  # pytest's every start reads this: no msgspec
class SettingsFile:
    """A settings file as it was read: ``table`` is where its settings begin."""

    path: Path
    data: Raw
    table: tuple[str, ...] = ()
    text: str = ""


def find_file(directory: Path, explicit: str | None) -> SettingsFile | None:
    """The file named, else release.toml, else ``[tool.chefrelease]`` of pyproject.toml.

    Raises SettingsError when a named file is missing or a file is not TOML.
    """
    if explicit is not None:
        path = directory / explicit
        if not os.path.lexists(path):
            raise SettingsError([f"{explicit}: no such file; --release-config names a TOML file"])
        found = _read_table(path) if path.name == "pyproject.toml" else read_toml(path)
        if found is None:
            raise SettingsError([f"{explicit}: has no table [tool.chefrelease]; it is needed here"])
        return found
    # A link that leads nowhere is a mistake to name, not an absent file.
    if os.path.lexists(directory / "release.toml"):
        return read_toml(directory / "release.toml")
    path = directory / "pyproject.toml"
    return _read_table(path) if path.is_file() else None


def _read_table(path: Path) -> SettingsFile | None:
    file = read_toml(path)
    tool = file.data.get("tool")
    table = tool.get("chefrelease") if isinstance(tool, dict) else None
    if table is None:
        return None
    if not isinstance(table, dict):
        line = line_of(file.text, ("tool", "chefrelease"))
        raise SettingsError([f"{path.name}:{line}: tool.chefrelease: is no table; one is allowed"])
    return SettingsFile(path, table, ("tool", "chefrelease"), file.text)


def read_toml(path: Path) -> SettingsFile:
    """Read a whole TOML file, with or without a byte order mark; raise SettingsError otherwise."""
    text = _decode(path.name, _read_bytes(path))
    try:
        return SettingsFile(path, tomllib.loads(text), (), text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([_broken(path.name, text, str(error))]) from None
    except (ValueError, RecursionError):
        # tomllib lets these through: numbers of thousands of digits, thousands of brackets.
        mistake = "not TOML that can be read: a number is too long, or brackets nest too deep"
        raise SettingsError([f"{path.name}: {mistake}"]) from None


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise SettingsError([f"{path.name}: is a directory; a TOML file is allowed"])
        if path.exists() and not path.is_file():
            raise SettingsError([f"{path.name}: is no regular file; a TOML file is allowed"])
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError([f"{path.name}: cannot be read: {error.strerror}"]) from None
    if len(data) > MAX_BYTES:
        raise SettingsError([f"{path.name}: is too large; at most {MAX_BYTES} bytes are allowed"])
    return data


def _decode(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError([f"{name}:{line}: is not in UTF-8; TOML is always UTF-8"]) from None


def _broken(name: str, text: str, said: str) -> str:
    """The message of tomllib with its place in front, and a hint for the commonest mistake."""
    message, _, place = said.partition(" (at ")
    found = re.match(r"line (\d+)", place)
    line = found[1] if found else str(text.count("\n") + (not text.endswith("\n")))
    hint = '; text stands in quotes, as in key = "text"' if message == "Invalid value" else ""
    return f"{name}:{line}: not TOML: {message[:1].lower()}{message[1:]}{hint}"
