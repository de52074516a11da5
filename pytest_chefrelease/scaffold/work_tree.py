"""The repository's files as init reads them: those that git knows or would, bounded in size."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath

from pytest_chefrelease.errors import ProbeError
from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.git_program import run_git

_MOST_BYTES = 1_000_000
_MOST_PATHS = 200_000


@dataclass(frozen=True)
class WorkTree:
    """The directory that release.toml is for, usually a repository's root."""

    directory: Path

    @cached_property
    def root(self) -> Path | None:
        """The repository's root; None outside one."""
        try:
            return GitProbe(self.directory).top_level().resolve()
        except ProbeError:
            return None

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every file below the directory, sorted, the shallow ones first."""
        found = self._listed() if self.root else self._walked()
        return tuple(sorted(set(found), key=lambda path: (path.count("/"), path))[:_MOST_PATHS])

    def _listed(self) -> Iterable[str]:
        arguments = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        output = run_git(self.directory, *arguments)
        return filter(None, output.decode(errors="surrogateescape").split("\0"))

    def _walked(self) -> Iterable[str]:
        for path in self.directory.rglob("*"):
            inside = path.relative_to(self.directory)
            if "node_modules" not in inside.parts and path.is_file():
                yield inside.as_posix()

    def matching(self, *patterns: str) -> list[str]:
        """The files whose name (or, with a slash in the pattern, whose path) matches one."""
        return [path for path in self.paths if any(_matches(path, each) for each in patterns)]

    def text(self, path: str) -> str:
        """A file's text; empty where it is none, too large, or a link that leads out."""
        file = (self.directory / path).resolve()
        if not file.is_relative_to(self.directory.resolve()) or not file.is_file():
            return ""
        with file.open("rb") as opened:
            data = opened.read(_MOST_BYTES + 1)
        return "" if len(data) > _MOST_BYTES else data.decode("utf-8-sig", errors="replace")

    def json(self, path: str) -> dict[str, object]:
        """A JSON file's object; empty where it is none."""
        try:
            document = json.loads(self.text(path) or "{}")
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}


def _matches(path: str, pattern: str) -> bool:
    return fnmatchcase(path if "/" in pattern else PurePosixPath(path).name, pattern)
