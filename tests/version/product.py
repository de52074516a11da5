"""A product's repository with a bare origin, whose tags and history a test chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pytest_chefrelease.probes.git import identify_release
from pytest_chefrelease.rehearsal.repository import git
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.settings.model import Settings
from tests.checks.looking import verified
from tests.checks.work_tree import WorkTree

MIGRATIONS = "packages/db/prisma/migrations"


@dataclass
class Product:
    """A work tree, its origin, and the settings that a test adds to."""

    tree: WorkTree
    origin: Path
    tables: dict[str, object] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path) -> Product:
        tree, origin = WorkTree.make(folder / "product"), folder / "origin.git"
        tree.git("init", "--quiet", "--bare", "--initial-branch=main", str(origin))
        tree.git("remote", "add", "origin", str(origin))
        return cls(tree, origin)

    def tag(self, name: str, *, annotated: bool = True, age: timedelta = timedelta()) -> None:
        arguments = ["--annotate", f"--message=Release {name}"] if annotated else []
        when = (datetime.now(UTC) - age).isoformat(timespec="seconds")
        git(self.tree.path, "tag", *arguments, name, extra={"GIT_COMMITTER_DATE": when})

    def push(self, *refs: str) -> None:
        self.tree.git("push", "--quiet", "origin", *(refs or ("main", "--tags")))

    def released(self, *versions: str) -> Product:
        """A commit with a tag for each version, all pushed."""
        for version in versions:
            self.tree.commit({"code.ts": version}, f"feat: what {version} brings")
            self.tag(version)
        self.push()
        return self

    def look(
        self,
        item: str,
        *,
        path: Path | None = None,
        stage: Stage = Stage.PRERELEASE,
        **release: object,
    ) -> Result:
        """The item's result in the work tree, or in another clone of it."""
        where = path or self.tree.path
        tables: Mapping[str, object] = {**self.tables, "release": release}
        identity = identify_release(Settings.model_validate(tables), where)
        return verified(item, tables, release=identity, stage=stage, repository=where)


def assert_outcome(result: Result, outcome: Outcome, *parts: str) -> None:
    """The outcome, and that summary and remedy together hold each part."""
    told = f"{result.summary} / {result.remedy}"
    assert result.outcome is outcome, told
    for part in parts:
        assert part in told
    if outcome in (Outcome.FAILED, Outcome.UNVERIFIED):
        assert result.remedy
