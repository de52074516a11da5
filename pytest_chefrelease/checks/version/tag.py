"""version.tag: an annotated, pushed, newer semantic version on exactly the release commit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from shlex import quote
from typing import TYPE_CHECKING

from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.version.history import release_commit
from pytest_chefrelease.checks.version.tag_signature import demand_signature
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.probes.git import GitProbe, Tag, semantic_version
from pytest_chefrelease.probes.git_history import described_tag, object_kind
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

if TYPE_CHECKING:
    from semver import Version

_TAGS = "refs/tags/"


class _Tags(Struct, frozen=True):
    """Every tag that matters: here by name, and what the remote's refs point at."""

    commit: str
    here: Mapping[str, Tag]
    there: Mapping[str, str]
    remote: str

    def remote_commit(self, name: str) -> str | None:
        """The commit that the remote's tag leads to."""
        ref = _TAGS + name
        return self.there.get(f"{ref}^{{}}", self.there.get(ref))

    def is_annotated_there(self, name: str) -> bool:
        """Whether the remote holds a tag object under the name."""
        return f"{_TAGS}{name}^{{}}" in self.there

    @property
    def names(self) -> frozenset[str]:
        """All names, here and there."""
        far = {ref[len(_TAGS) :] for ref in self.there if not ref.endswith("^{}")}
        return frozenset(far | self.here.keys())


@check(
    Item(
        id="version.tag",
        title="The release is tagged: annotated, pushed, and newer than the last",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.VERSION,
        quick_check=3,
        minimum=Minimum(counts={"tags": 1}, facts=("tag", "object"), of_release=True),
        remedy="Tag the release commit anew, and push the tag.",
    )
)
async def version_tag(look: Context) -> Evidence:
    """The tag as it is here and at the remote, and the versions before it."""
    commit = release_commit(look)
    git, remote = look.probes.git, look.settings.release.remote
    here = {tag.name: tag for tag in await asyncio.to_thread(git.tags)}
    there = await asyncio.to_thread(git.remote_refs, remote, f"{_TAGS}*")
    tags = _Tags(commit, here, there, remote)
    name = _name(look, tags)
    version = _demand_semantic(look, name)
    tag = await _demand_here(look, tags, name)
    _demand_annotated(tags, tag)
    _demand_at_the_commit(tags, tag)
    _demand_pushed(tags, tag)
    await _demand_newer(look, tags, name, version)
    signer = await demand_signature(look, name)
    await _demand_described(look, name, commit)
    return _evidence(look, tags, tag, signer)


def _evidence(look: Context, tags: _Tags, tag: Tag, signer: str) -> Evidence:
    previous = look.release.previous_version
    last = f", after {previous}" if previous else ", the first"
    signed = f", signed by {signer}" if signer else ""
    rows = (
        ("here", tag.object_id, tag.commit),
        (tags.remote, tags.there[_TAGS + tag.name], tags.remote_commit(tag.name) or ""),
    )
    return Evidence(
        summary=f"{tag.name} is annotated, on {tag.commit[:7]}, pushed to {tags.remote}"
        f"{last}{signed}",
        source=f"git tags here and at {tags.remote}",
        observed_at=look.now(),
        facts={
            "tags": len(tags.names),
            "tag": tag.name,
            "object": tag.object_id,
            "previous": previous,
            "signer": signer or None,
        },
        commit=tag.commit,
        attachments=(Table(f"Tag {tag.name}", ("where", "tag object", "commit"), rows),),
    )


def _name(look: Context, tags: _Tags) -> str:
    """The tag that the release must have. Raises Failed where nothing says a version."""
    if look.release.version is not None:
        return look.release.version
    prefix = look.settings.release.tag_prefix
    carried = sorted(tag.name for tag in tags.here.values() if tag.commit == tags.commit)
    far = [name for name in tags.names if tags.remote_commit(name) == tags.commit]
    versions = [name for name in sorted(far) if semantic_version(name, prefix) is not None]
    if versions:
        raise _not_fetched(versions[-1], tags)
    if carried:
        raise Failed(
            f"{tags.commit[:7]} carries only {', '.join(carried[:5])}, which name no version",
            expected=f"a semantic version such as {prefix}v1.5.0",
            remedy=f"{_tag_and_push(prefix + 'vX.Y.Z', tags)} (release.tag_prefix is "
            f"{prefix or 'empty'}).",
        )
    raise Failed(
        f"{tags.commit[:7]} carries no tag",
        expected=f"an annotated tag such as {prefix}v1.5.0 on the release commit",
        remedy=_tag_and_push(f"{prefix}vX.Y.Z", tags),
    )


def _demand_semantic(look: Context, name: str) -> Version:
    prefix = look.settings.release.tag_prefix
    version = semantic_version(name, prefix)
    if version is None:
        other = "" if name.startswith(prefix) else f"; it does not begin with {prefix}"
        raise Failed(
            f"{name} is no semantic version{other}",
            expected=f"{prefix}vMAJOR.MINOR.PATCH, such as {prefix}v1.5.0 or {prefix}v1.5.0-rc.1",
            remedy="Tag the release commit by such a name, or set release.tag_prefix to what "
            "stands before the version.",
        )
    return version


async def _demand_here(look: Context, tags: _Tags, name: str) -> Tag:
    tag = tags.here.get(name)
    if tag is not None:
        return tag
    if tags.remote_commit(name) is not None:
        raise _not_fetched(name, tags)
    kind = await asyncio.to_thread(object_kind, look.probes.git, _TAGS + name)
    if kind is not None:
        raise Failed(
            f"{name} does not lead to a commit: it is a tag of another tag, a tree or a file",
            expected="an annotated tag of the release commit",
            remedy=_retag(name, tags),
        )
    raise Failed(
        f"there is no tag {name}, neither here nor at {tags.remote}",
        expected=f"an annotated tag on {tags.commit[:7]}",
        remedy=_tag_and_push(name, tags),
    )


def _not_fetched(name: str, tags: _Tags) -> Unverified:
    return Unverified(
        f"{tags.remote} holds {name}, which this clone lacks",
        expected="the tag here too, as git describe needs it",
        where=tags.remote,
        remedy=f"Run {_fetch(name, tags)} (GitHub Actions: fetch-depth: 0, fetch-tags: true).",
    )


def _demand_annotated(tags: _Tags, tag: Tag) -> None:
    if tag.is_annotated:
        return
    if tags.is_annotated_there(tag.name) and tags.remote_commit(tag.name) == tag.commit:
        # actions/checkout stores the commit under the tag's name when a tag starts a workflow.
        raise Unverified(
            f"{tag.name} is lightweight in this clone and annotated at {tags.remote}",
            expected="the remote's tag object",
            remedy=f"Run {_fetch(tag.name, tags, forced=True)}: the checkout has replaced it.",
        )
    raise Failed(
        f"{tag.name} is a lightweight tag: it says neither who released it nor when",
        expected="an annotated tag",
        remedy=_retag(tag.name, tags),
    )


def _demand_at_the_commit(tags: _Tags, tag: Tag) -> None:
    if tag.commit == tags.commit:
        return
    raise Failed(
        f"{tag.name} is on {tag.commit[:7]}, the work tree on {tags.commit[:7]}",
        expected="the tag on the release commit",
        remedy=f"Check out what is to be released (git checkout {quote(tag.name)}), or give this "
        "commit a new version; a published tag is not moved.",
    )


def _demand_pushed(tags: _Tags, tag: Tag) -> None:
    name = tag.name
    there = tags.there.get(_TAGS + name)
    if there is None:
        raise Failed(
            f"{name} is not pushed: {tags.remote} does not hold it",
            expected="the same tag object at the remote",
            where=tags.remote,
            remedy=f"git push {quote(tags.remote)} {quote(_TAGS + name)}",
        )
    if there == tag.object_id:
        return
    far = tags.remote_commit(name) or there
    what = "another tag object of the same commit" if far == tag.commit else f"commit {far[:7]}"
    raise Failed(
        f"{name} differs at {tags.remote}: {what} there, {tag.commit[:7]} here "
        f"(objects {there[:7]} and {tag.object_id[:7]})",
        expected="the same tag object at the remote",
        where=tags.remote,
        remedy="Find out who tagged what. To take the remote's: "
        f"{_fetch(name, tags, forced=True)}. Otherwise release under a new version.",
    )


async def _demand_newer(look: Context, tags: _Tags, name: str, version: Version) -> None:
    """No version as new in the release's history: a fix of an older line may be lower than others.

    A clone without history need not be asked where the version is above all that are known.
    """
    prefix, git = look.settings.release.tag_prefix, look.probes.git
    for rival in sorted(tags.names - {name}):
        parsed = semantic_version(rival, prefix)
        if parsed is None or parsed < version:
            continue
        commit = tags.here[rival].commit if rival in tags.here else tags.remote_commit(rival)
        if commit is None or not await _is_in_history(git, commit, tags.commit):
            continue
        raise Failed(
            f"{name} is not newer than {rival}, which its history holds on {commit[:7]}",
            expected=f"a version above {rival}",
            remedy=f"Choose the next version: {_tag_and_push(f'{prefix}vX.Y.Z', tags)}",
        )


async def _is_in_history(git: GitProbe, commit: str, newer: str) -> bool:
    if await asyncio.to_thread(git.resolve, commit) is None:
        if not await asyncio.to_thread(git.is_shallow):
            return False  # a whole clone has all of its history
        raise git.needs_history()
    return await asyncio.to_thread(git.is_ancestor, commit, newer)


async def _demand_described(look: Context, name: str, commit: str) -> None:
    prefix = look.settings.release.tag_prefix
    described = await asyncio.to_thread(described_tag, look.probes.git, commit, prefix)
    if described != name:
        raise Failed(
            f"git describe --tags --abbrev=0 gives {described or 'nothing'}, not {name}",
            expected=name,
            remedy=f"Delete the tag that was made later on this commit, or release {described}.",
        )


def _tag_and_push(name: str, tags: _Tags) -> str:
    return (
        f"git tag -a {quote(name)} -m {quote(f'Release {name}')} {tags.commit[:12]} && "
        f"git push {quote(tags.remote)} {quote(_TAGS + name)}"
    )


def _retag(name: str, tags: _Tags) -> str:
    """The tag made anew, in place of one that nobody should have been given."""
    return (
        f"git tag -a -f {quote(name)} -m {quote(f'Release {name}')} {tags.commit[:12]} && "
        f"git push --force {quote(tags.remote)} {quote(_TAGS + name)}"
    )


def _fetch(name: str, tags: _Tags, *, forced: bool = False) -> str:
    force = "--force " if forced else ""
    return f"git fetch {force}{quote(tags.remote)} {quote(f'{_TAGS}{name}:{_TAGS}{name}')}"
