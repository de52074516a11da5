"""What a repository's history says of releases: commits between them, and their tags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.git_program import GitFailed, run_git
from pytest_chefrelease.runbook.commits import Commit

_MOST_COMMITS = 5_000
_FIELD, _RECORD = "\x1f", "\x1e"
_LOG_FORMAT = f"--format=%H{_FIELD}%P{_FIELD}%an{_FIELD}%ae{_FIELD}%s{_FIELD}%b{_RECORD}"


def commits_between(git: GitProbe, older: str | None, newer: str) -> tuple[Commit, ...]:
    """The commits that ``newer`` has and ``older`` has not, newest first, at most 5,000.

    All of ``newer``'s history where there is no ``older``. Blocks.
    """
    revisions = [newer] if older is None else [newer, f"^{older}"]
    arguments = ("log", f"--max-count={_MOST_COMMITS}", _LOG_FORMAT, *revisions, "--")
    output = run_git(git.repository, *arguments).decode(errors="surrogateescape")
    records = (record.removeprefix("\n") for record in output.split(_RECORD))
    return tuple(_commit(record) for record in records if record.strip())


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


def _commit(record: str) -> Commit:
    name, parents, author, email, subject, body = record.split(_FIELD, 5)
    return Commit(name, tuple(parents.split()), author, email, subject, body)
