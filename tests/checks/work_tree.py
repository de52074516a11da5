"""Real git repositories for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_chefrelease.rehearsal.repository import git


@dataclass(frozen=True)
class WorkTree:
    """A git work tree; ``commit`` writes files (None removes) and gives the hash."""

    path: Path

    @classmethod
    def make(cls, path: Path) -> WorkTree:
        path.mkdir(parents=True, exist_ok=True)
        tree = cls(path)
        tree.git("init", "--quiet", "--initial-branch=main")
        tree.git("config", "user.name", "Test")
        tree.git("config", "user.email", "test@chefcloud.example")
        # What is committed is what is written, whatever this machine's git would make of it.
        tree.git("config", "core.autocrlf", "false")
        return tree

    def git(self, *arguments: str) -> str:
        return git(self.path, *arguments)

    def commit(self, files: Mapping[str, str | bytes | None], message: str = "Change") -> str:
        for name, content in files.items():
            file = self.path / name
            if content is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")
        return self.git("rev-parse", "HEAD")
