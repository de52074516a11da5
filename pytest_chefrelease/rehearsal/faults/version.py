"""Faults of the release's tag, its work tree, its step, its notes and its cadence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal.faults.effects import Effect
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.faults.release_again import release_again
from pytest_chefrelease.rehearsal.repository import RELEASE, Repository, git
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action
from pytest_chefrelease.runbook.verdict import Decision

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.stack import Stack

_REF = f"refs/tags/{RELEASE}"


def _in_repository(change: Callable[[Repository], object]) -> Effect:
    def apply(stack: Stack) -> None:
        change(stack.touch_repository())

    return apply


def _git(*commands: str) -> Effect:
    """Somebody typed these git commands, words separated by spaces, in the work tree."""

    def change(repository: Repository) -> None:
        for command in commands:
            repository.git(*command.split())

    return _in_repository(change)


def _at_origin(*commands: str) -> Effect:
    def change(repository: Repository) -> None:
        who = {"GIT_COMMITTER_NAME": "Someone", "GIT_COMMITTER_EMAIL": "someone@chefcloud.example"}
        for command in commands:
            git(repository.origin, *command.split(), extra=who)

    return _in_repository(change)


def _writing(name: str, text: str) -> Effect:
    def change(repository: Repository) -> None:
        (repository.path / name).write_text(text, encoding="utf-8")

    return _in_repository(change)


def _without_notes(_: Stack, tree: Path) -> None:
    changelog = tree / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    changelog.write_text(text.replace("## 1.5.0", "## Unreleased"), encoding="utf-8")


def _breaking_notes(_: Stack, tree: Path) -> None:
    changelog = tree / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    text = text.replace("- None.", "- The API's version 1 is gone.")
    changelog.write_text(text, encoding="utf-8")


def _last_minor_long_ago(repository: Repository) -> None:
    long_ago = (datetime.now(UTC) - timedelta(days=45)).isoformat(timespec="seconds")
    tag = ("tag", "--annotate", "--force", "--message=Release v1.4.0", "v1.4.0", "v1.4.0^{}")
    git(repository.path, *tag, extra={"GIT_COMMITTER_DATE": long_ago})


def _tag(name: str, title: str, apply: Effect) -> Fault:
    return Fault(name, title, Stage.PRERELEASE, apply, red=("version.tag",))


def _warning(name: str, title: str, apply: Effect, item: str) -> Fault:
    return Fault(
        name,
        title,
        Stage.PRERELEASE,
        apply,
        warned=(item,),
        verdict=Decision.GO,
        action=Action.PROCEED,
    )


def _old_manifest(_: Stack, tree: Path) -> None:
    """Somebody forgot the API's package.json."""
    manifest = tree / "services/api/package.json"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace('"1.5.0"', '"1.4.2"'), encoding="utf-8")


def _mixed_production(stack: Stack) -> None:
    """Only the web front of another release was deployed before."""
    stack.change("production-web", version="v1.4.1")


def _incoherent(name: str, title: str, apply: Effect) -> Fault:
    items = ("version.coherence",)
    return Fault(name, title, Stage.PRERELEASE, apply, unverified=items, verdict=Decision.HOLD)


FAULTS = (
    _tag(
        "tag-missing",
        "Nobody has tagged the release",
        _git(f"tag --delete {RELEASE}", f"push --quiet origin :{_REF}"),
    ),
    _tag(
        "tag-lightweight",
        "The release's tag is lightweight",
        _git(f"tag --force {RELEASE} HEAD", f"push --quiet --force origin {_REF}"),
    ),
    _tag(
        "tag-moved",
        "The release's tag is on the commit before",
        _git(
            f"tag --annotate --force --message=Release {RELEASE} HEAD~1",
            f"push --quiet --force origin {_REF}",
        ),
    ),
    _tag("tag-not-pushed", "The release's tag was not pushed", _git(f"push origin :{_REF}")),
    _tag(
        "tag-differs-at-origin",
        "Somebody has tagged another commit at the origin",
        _at_origin(f"tag --annotate --force --message=mine {RELEASE} main~1"),
    ),
    _tag(
        "tag-not-newer",
        "A later version was released before",
        _git("tag --annotate --message=Release v1.6.0 HEAD~1", "push --quiet origin v1.6.0"),
    ),
    Fault(
        "tag-not-fetched",
        "The clone lacks the tag that the origin holds",
        Stage.PRERELEASE,
        _git(f"tag --delete {RELEASE}"),
        unverified=("version.tag",),
        verdict=Decision.HOLD,
    ),
    Fault(
        "tree-changed",
        "The work tree has a file that was not committed",
        Stage.PRERELEASE,
        _writing("services/api/src/hotfix.ts", "export const patched = true;\n"),
        red=("version.clean-tree",),
    ),
    _warning(
        "step-too-small",
        "What breaks its users is released as a minor version",
        release_again(_breaking_notes),
        "version.bump",
    ),
    _warning(
        "notes-missing",
        "The changelog has no section for the release",
        release_again(_without_notes),
        "version.release-notes",
    ),
    _warning(
        "cadence-late",
        "The last minor release was 45 days ago, weekly ones are recommended",
        _in_repository(_last_minor_long_ago),
        "version.cadence",
    ),
    _incoherent(
        "manifest-of-another-version",
        "The API's package.json still says the version before",
        release_again(_old_manifest),
    ),
    _incoherent(
        "production-mixed",
        "Production's web front is of another version than its API",
        _mixed_production,
    ),
)
