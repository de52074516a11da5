"""Reads the sign-offs that are notes on commits; ``pytest_chefrelease.signing`` writes them."""

from __future__ import annotations

from pytest_chefrelease.errors import ProbeError
from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.git_history import commits_between
from pytest_chefrelease.probes.git_program import GitFailed, run_git
from pytest_chefrelease.runbook.signoffs import NOTES_REF, SignOff, read_lines

_MOST_OLDER = 50


def read_signoffs(git: GitProbe, commit: str) -> tuple[SignOff, ...]:
    """All that was signed and revoked in the note on a commit, oldest first. Blocks."""
    try:
        output = run_git(git.repository, "notes", f"--ref={NOTES_REF}", "show", commit)
    except GitFailed:  # git's answer where there is no note
        return ()
    return read_lines(output.decode(errors="replace"))


def older_signoffs(git: GitProbe, commit: str) -> tuple[SignOff, ...]:
    """What was signed on the 50 commits before this one. Blocks."""
    try:
        listed = run_git(git.repository, "notes", f"--ref={NOTES_REF}", "list").decode()
    except GitFailed:
        return ()
    noted = {name for _, _, name in (line.partition(" ") for line in listed.splitlines())}
    before = [name for name in git.ancestors(commit, _MOST_OLDER) if name in noted]
    return tuple(entry for name in before for entry in read_signoffs(git, name))


def remote_differs(git: GitProbe, remote: str) -> bool:
    """Whether the remote holds sign-offs other than those here. Blocks.

    False where it cannot be asked: this is a hint only.
    """
    try:
        there = git.remote_refs(remote, NOTES_REF).get(NOTES_REF)
    except ProbeError:
        return False
    return there is not None and there != git.object_of(NOTES_REF)


def writers_of(git: GitProbe, commit: str) -> frozenset[str]:
    """Who wrote what a commit brings, by e-mail address: authors and co-authors.

    Of a merge, who wrote the commits that it merged. Blocks.
    """
    try:
        found = commits_between(git, f"{commit}^", commit)
    except GitFailed:  # the first commit of all, or of a shallow clone
        found = commits_between(git, None, commit)[:1]
    return frozenset(email for each in found for email in each.writers)
