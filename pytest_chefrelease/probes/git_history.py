"""What a repository's history says of releases: commits between them, and their tags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.git_program import GitFailed, run_git
from pytest_chefrelease.runbook.commits import Commit

_MOST_COMMITS = 5_000
_FIELDS = ("%H", "%P", "%an", "%ae", "%s", "%b")
_LOG_FORMAT = f"--format={'%x00'.join(_FIELDS)}"  # the one character that no message holds


def commits_between(git: GitProbe, older: str | None, newer: str) -> tuple[Commit, ...]:
    """The commits that ``newer`` has and ``older`` has not, newest first, at most 5,000.

    All of ``newer``'s history where there is no ``older``. Blocks.
    """
    revisions = [newer] if older is None else [newer, f"^{older}"]
    arguments = ("log", "-z", f"--max-count={_MOST_COMMITS}", _LOG_FORMAT, *revisions, "--")
    output = run_git(git.repository, *arguments).decode(errors="surrogateescape")
    fields, count = output.split("\0"), len(_FIELDS)
    whole = len(fields) // count * count
    return tuple(_commit(*fields[at : at + count]) for at in range(0, whole, count))


def tag_times(git: GitProbe) -> Mapping[str, datetime]:
    """When each tag was made, by its name; of a lightweight one, its commit's time. Blocks."""
    output = run_git(
        git.repository, "for-each-ref", "--format=%(creatordate:unix) %(refname)", "refs/tags"
    )
    found = {}
    for line in output.decode(errors="surrogateescape").splitlines():
        stamp, _, ref = line.partition(" ")
        if stamp.lstrip("-").isdigit():
            found[ref.removeprefix("refs/tags/")] = datetime.fromtimestamp(int(stamp), UTC)
    return found


def described_tag(git: GitProbe, commit: str, prefix: str) -> str | None:
    """What ``git describe --tags --abbrev=0`` gives for a commit, among tags with the prefix.

    None where no tag leads there. Blocks.
    """
    only = [f"--match={prefix}*"] if prefix else []
    try:
        output = run_git(git.repository, "describe", "--tags", "--abbrev=0", *only, commit)
    except GitFailed:
        return None
    return output.decode(errors="surrogateescape").strip()


def object_kind(git: GitProbe, name: str) -> str | None:
    """What a ref points at: ``commit``, ``tag``, ``tree``, ``blob``; None where it is not there."""
    output = run_git(git.repository, "for-each-ref", "--format=%(objecttype) %(refname)", name)
    for line in output.decode(errors="surrogateescape").splitlines():
        kind, _, ref = line.partition(" ")
        if ref == name:
            return kind
    return None


def _commit(name: str, parents: str, author: str, email: str, subject: str, body: str) -> Commit:
    return Commit(name, tuple(parents.split()), author, email, subject, body)
