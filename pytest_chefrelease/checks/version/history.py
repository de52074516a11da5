"""What the items of this room ask alike: the release's commit, its version, and the last one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.errors import NotApplicable, Unverified
from pytest_chefrelease.probes.git import semantic_version
from pytest_chefrelease.probes.git_history import commits_between
from pytest_chefrelease.runbook.commits import Commit

if TYPE_CHECKING:
    from semver import Version


@dataclass(frozen=True, slots=True)
class Since:
    """The release beside the last one: both versions with their tags' names, and the commits."""

    commit: str
    this: Version
    previous: Version
    previous_tag: str
    previous_commit: str
    commits: tuple[Commit, ...]


def release_commit(look: Context) -> str:
    """The release's commit. Raises Unverified outside a repository."""
    if look.release.commit is None:
        raise Unverified(
            look.release.problem or "the release commit is not known",
            expected="a git work tree of the release",
            remedy="Run in the release's work tree, or set release.repository to it.",
        )
    return look.release.commit


def release_version(look: Context) -> Version:
    """The release's version. Raises NotApplicable where there is none: version.tag says so."""
    name, prefix = look.release.version, look.settings.release.tag_prefix
    parsed = semantic_version(name, prefix) if name else None
    if parsed is None:
        raise NotApplicable(f"the version is {name or 'not known'}: see version.tag")
    return parsed


async def since_last(look: Context) -> Since:
    """The release since the last one.

    Raises NotApplicable for a first release, and ProbeErrors where the clone lacks history.
    """
    this, commit = release_version(look), release_commit(look)
    name, git = look.release.previous_version, look.probes.git
    if name is None:
        if await asyncio.to_thread(git.is_shallow):
            raise git.needs_history()
        raise NotApplicable("this is the first release: there is none before it in its history")
    before = await asyncio.to_thread(git.resolve, f"refs/tags/{name}")
    previous = semantic_version(name, look.settings.release.tag_prefix)
    if before is None or previous is None:
        raise Unverified(
            f"the previous release {name} is no version's tag here",
            expected="a tag such as v1.4.2",
            where=str(look.repository),
            remedy="Run git fetch --tags, or correct release.previous_version.",
        )
    if await asyncio.to_thread(git.is_shallow):
        raise git.needs_history()
    commits = await asyncio.to_thread(commits_between, git, before, commit)
    return Since(commit, this, previous, name, before, commits)
