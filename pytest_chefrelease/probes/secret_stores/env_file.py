"""Secrets in a file of NAME=value lines, as docker compose, Node and systemd read it.

Source: dotenv 17 for Node (quotes, comments, ``export``, values over several lines); no
expansion of ``$VAR``: what is written is what is judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from pytest_chefrelease.errors import AccessDenied, Malformed, NotConfigured
from pytest_chefrelease.probes.secret_stores.store import Stored
from pytest_chefrelease.runbook.secret import Secret

_MAX_BYTES = 1_000_000
_LINE = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.-]*)[ \t]*(?:=|:[ \t])[ \t]*
    (?:'(?P<single>(?:\\'|[^'])*)'|"(?P<double>(?:\\.|[^"\\])*)"|`(?P<tick>[^`]*)`|
    (?P<bare>[^\r\n]*))""",
    re.MULTILINE | re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"(?:^|[ \t])#.*$")
_ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t", '\\"': '"', "\\\\": "\\"}


class EnvFileStore(Struct, frozen=True):
    """One env file, read again for each question: rotations are seen as they happen."""

    path: Path
    keeps_dates: bool = False

    @property
    def place(self) -> str:
        """The file's name."""
        return self.path.name

    async def find(self, name: str) -> Stored | None:
        """The value that the file gives the name; the last one where it stands twice."""
        values = self.values()
        if name not in values:
            return None
        return Stored(name, f"{name} in {self.path.name}", Secret(values[name]))

    def values(self) -> dict[str, str]:
        """All that the file sets, by name. Raises ProbeErrors."""
        return dict(read_env(self._text()))

    def _text(self) -> str:
        try:
            with self.path.open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotConfigured(
                f"there is no file {self.path.name}",
                where=str(self.path),
                remedy="Correct env-file:PATH in release.toml; it is relative to the repository.",
            ) from None
        except OSError as error:
            raise AccessDenied(
                f"{self.path.name} cannot be read: {error.strerror}", where=str(self.path)
            ) from None
        if len(data) > _MAX_BYTES or b"\0" in data:
            raise Malformed(f"{self.path.name} is no env file", where=str(self.path))
        return data.decode("utf-8-sig", errors="surrogateescape")


def read_env(text: str) -> Iterator[tuple[str, str]]:
    """Names and values of an env file, in its order."""
    for match in _LINE.finditer(text):
        yield match["name"], _value(match)


def _value(match: re.Match[str]) -> str:
    if match["double"] is not None:
        return re.sub(r"\\.", lambda m: _ESCAPES.get(m[0], m[0]), match["double"], flags=re.DOTALL)
    for kind in ("single", "tick"):
        quoted: str | None = match[kind]
        if quoted is not None:
            return quoted
    bare: str = match["bare"]
    return _COMMENT.sub("", bare).strip()
