"""Where a setting was written: a line of the file, an option, or a variable of the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from pytest_chefrelease.settings.files import SettingsFile
from pytest_chefrelease.settings.lines import Path, lines_of, nearest_line

Origins = dict[tuple[str, ...], str]
"""For keys whose value an option or a variable replaced: its name (``--base-url``)."""

_SHOWN_CHARS = 80


class Places:
    """Names the place of any key, and orders places as a reader meets them."""

    def __init__(self, file: SettingsFile | None, origins: Mapping[tuple[str, ...], str]) -> None:
        self._file = file
        self._origins = dict(origins)

    def name(self, key: Path) -> str:
        """``release.toml:12: latency.p95``, or the option or variable that set it."""
        origin = self._origin(key)
        if origin is not None:
            return origin
        if self._file is None:
            return f"release.toml: {dotted(key)}"
        line = self._line(key)
        where = f"{self._file.path.name}:{line}" if line else self._file.path.name
        return f"{where}: {dotted((*self._file.table, *key))}"

    def order(self, key: Path) -> tuple[int, int]:
        """Sorts places: the command line and environment first, then the file's lines."""
        origin = self._origin(key)
        if origin is not None:
            return (0, list(self._origins.values()).index(origin))
        return (1, self._line(key) or 0)

    def _origin(self, key: Path) -> str | None:
        return next((o for path, o in self._origins.items() if key[: len(path)] == path), None)

    def _line(self, key: Path) -> int | None:
        if self._file is None:
            return None
        return nearest_line(self._lines, (*self._file.table, *key))

    @cached_property
    def _lines(self) -> Mapping[Path, int]:
        return lines_of(self._file.text) if self._file else {}


def dotted(key: Path) -> str:
    """A key as TOML writes it: ``waivers[0].item``, ``not_applicable."deploy.executed"``."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{_quoted(part)}"
    return text.removeprefix(".")


def _quoted(part: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_-]+", part) and len(part) <= _SHOWN_CHARS:
        return part
    shown = part if len(part) <= _SHOWN_CHARS else part[:_SHOWN_CHARS] + "…"
    return f'"{"".join(map(_escaped, shown))}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
