"""After a rollback: the release that is verified is an older one than the work tree holds."""

from __future__ import annotations

from msgspec.structs import replace

from pytest_chefrelease.errors import ProbeError
from pytest_chefrelease.probes.git import GitProbe, semantic_version
from pytest_chefrelease.runbook.release import Release


def as_fallback(release: Release, git: GitProbe, tag_prefix: str = "") -> Release:
    """The release with its own tag's commit, and what it is the fallback of.

    Only where somebody named an older version than HEAD's history holds the tag of; else the
    release as it is. Git's refusals leave it as it is too: the items say what git lacks.
    """
    version = semantic_version(release.version or "", tag_prefix)
    if version is None or release.commit is None:
        return release
    try:
        commit = git.resolve(f"refs/tags/{release.version}")
        if commit is None or commit == release.commit:
            return release
        if not git.is_ancestor(commit, release.commit):
            return release
        newer = _newer(release, git, tag_prefix)
        if newer is None:
            return release
        return replace(
            release,
            commit=commit,
            rolled_back_from=newer,
            rolled_back_commit=git.resolve(f"refs/tags/{newer}"),
        )
    except ProbeError:
        return release


def _newer(release: Release, git: GitProbe, prefix: str) -> str | None:
    """The newest version in HEAD's history, where it is newer than the one that was named."""
    named = semantic_version(release.version or "", prefix)
    found = [
        (version, tag.name)
        for tag in git.tags(merged_into=release.commit)
        if (version := semantic_version(tag.name, prefix)) is not None
        and named is not None
        and version > named
    ]
    return max(found)[1] if found else None
