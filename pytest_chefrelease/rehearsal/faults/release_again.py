"""Makes the release anew with a change in it: commit, tag, origin, CI and staging agree on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal import people
from pytest_chefrelease.rehearsal.doubles.github.state import healthy
from pytest_chefrelease.rehearsal.faults.effects import Effect
from pytest_chefrelease.rehearsal.repository import RELEASE, git

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.stack import Stack


def release_again(change: Callable[[Stack, Path], None]) -> Effect:
    """The release commit holds what ``change`` does to the work tree; all else fits it."""

    def apply(stack: Stack) -> None:
        repository = stack.touch_repository()
        date = repository.git("show", "--no-patch", "--format=%cI", "HEAD")
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        change(stack, repository.path)
        repository.git("add", "--all")
        git(repository.path, "commit", "--quiet", "--amend", "--no-edit", extra=dates)
        tag = ("tag", "--annotate", "--force", f"--message=Release {RELEASE}", RELEASE)
        git(repository.path, *tag, extra=dates)
        repository.git("push", "--quiet", "--force", "origin", "main", RELEASE)
        commit = repository.commit_of(RELEASE)
        seen = healthy(commit)
        stack.change("github", check_runs=list(seen.check_runs), statuses=list(seen.statuses))
        for site in ("staging-api", "staging-web"):
            stack.change(site, commit=commit)
        for duty in people.BEFORE:
            people.sign(repository, duty, commit)

    return apply
