"""version.release-notes: what is in the release is written down where people look for it."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from pytest_chefrelease.checks.ci import github_probe
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.version.changelog import read_changelog
from pytest_chefrelease.checks.version.history import release_commit, release_version, since_last
from pytest_chefrelease.errors import Failed, NotApplicable, ProbeError
from pytest_chefrelease.probes.breaking_changes import new_scripts
from pytest_chefrelease.probes.github_releases import release_notes
from pytest_chefrelease.runbook.evidence import Evidence, Text
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.runbook.release_notes import CATEGORIES, Notes, whole

_SHOWN_CHARS = 4_000


class _Found(Struct, frozen=True):
    """Notes, where they stand, and where else was looked."""

    notes: Notes | None
    place: str
    looked: tuple[str, ...]


@check(
    Item(
        id="version.release-notes",
        title="The release's notes name features, fixes, breaking changes and migrations",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P3,
        section=Section.NOTES,
        quick_check=10,
        blocking=False,
        minimum=Minimum(counts={"characters": 10}, facts=("place",), of_release=True),
        remedy="Write a section for the version: new features, bug fixes, breaking changes, and "
        "migration requirements.",
    )
)
async def version_release_notes(look: Context) -> Evidence:
    """The version's section in the changelog of the release commit, else its GitHub release.

    Demanded are the categories that the commits show, and migrations where the release adds
    some; at least one category in any case.
    """
    commit = release_commit(look)
    version = str(release_version(look))
    found = await _find(look, commit, version)
    if found.notes is None:
        raise Failed(
            f"nothing is written of {look.release.version}",
            expected=f"a section for {version}",
            where=", ".join(found.looked),
        )
    if found.notes.is_empty:
        raise Failed(
            f"the section of {version} is empty", expected="what changed", where=found.place
        )
    missing = await _missing(look, found.notes)
    text = found.notes.text
    seen = Evidence(
        summary=f"{found.place} names {_listed(found.notes)} of {version}",
        source=found.place,
        observed_at=look.now(),
        facts={
            "characters": len(text),
            "place": found.place,
            "categories": _listed(found.notes),
            "missing": ", ".join(missing),
        },
        commit=commit,
        attachments=(Text(f"Notes of {version}", text[:_SHOWN_CHARS]),),
    )
    if missing:
        raise Failed(
            f"the notes of {version} do not name {', '.join(missing)}",
            expected="each kind of change that the release holds",
            where=found.place,
            evidence=seen,
        )
    return seen


async def _find(look: Context, commit: str, version: str) -> _Found:
    written = await asyncio.to_thread(read_changelog, look, commit, version)
    if written.notes is not None:
        return _Found(written.notes, written.path, written.looked)
    name = look.release.version
    try:
        github = await github_probe(look)
        body = await release_notes(github, name) if name else None
    except ProbeError:
        # Without GitHub the changelog decides; ci.required-checks says what is wrong there.
        return _Found(None, "", written.looked)
    place = f"release {name} at GitHub"
    return _Found(whole(body) if body is not None else None, place, (*written.looked, place))


async def _missing(look: Context, notes: Notes) -> tuple[str, ...]:
    """The categories that the release holds and the notes do not name."""
    demanded: set[str] = set()
    try:
        since = await since_last(look)
    except NotApplicable:
        since = None
    if since is not None:
        demanded |= {"features" for commit in since.commits if commit.kind == "feat"}
        demanded |= {"fixes" for commit in since.commits if commit.kind == "fix"}
        demanded |= {"breaking changes" for commit in since.commits if commit.is_breaking}
        directory = look.settings.migrations.directory
        git = look.probes.git
        if await asyncio.to_thread(
            new_scripts, git, since.previous_commit, since.commit, directory
        ):
            demanded.add("migration requirements")
    missing = tuple(name for name in CATEGORIES if name in demanded and not notes.names(name))
    if not missing and not any(notes.names(name) for name in CATEGORIES):
        return CATEGORIES[:3]
    return missing


def _listed(notes: Notes) -> str:
    return ", ".join(name for name in CATEGORIES if notes.names(name))
