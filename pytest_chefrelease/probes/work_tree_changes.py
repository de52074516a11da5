"""What in a work tree is neither committed nor ignored, as ``git status`` tells it.

Filters that the repository's own configuration names would be programs from outside: they
are switched off. The user's own (git-lfs in ``~/.gitconfig``) stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.git_program import run_git

_LIMIT_S = 60.0
_KINDS = {"1": "changed", "2": "renamed", "u": "in conflict", "?": "untracked"}
# Fields before the path, in porcelain version 2.
_FIELDS = {"1": 8, "2": 9, "u": 10, "?": 1}


class Change(Struct, frozen=True):
    """A path relative to the work tree's top, and whether it is changed, untracked and so on."""

    kind: str
    path: str


class WorkTree(Struct, frozen=True):
    """How many files the index holds, and what differs from the commit."""

    top: Path
    tracked: int
    changes: tuple[Change, ...]


def read_work_tree(git: GitProbe) -> WorkTree:
    """The state of the whole work tree. Blocks. Raises NotConfigured in a bare repository."""
    top = git.top_level()
    tracked = run_git(top, "ls-files", "-z", timeout_s=_LIMIT_S).count(b"\0")
    output = run_git(
        top,
        *("status", "--porcelain=v2", "-z", "--untracked-files=all", "--ignore-submodules=dirty"),
        timeout_s=_LIMIT_S,
        variables=_without_filters(top),
    )
    return WorkTree(top, tracked, tuple(_changes(output.decode(errors="surrogateescape"))))


def _changes(output: str) -> list[Change]:
    found, records = [], iter(output.split("\0"))
    for record in records:
        kind = record[:1]
        if kind not in _KINDS:
            continue
        found.append(Change(_KINDS[kind], record.split(" ", _FIELDS[kind])[-1]))
        if kind == "2":
            next(records, "")  # where it was before
    return found


def _without_filters(top: Path) -> Mapping[str, str]:
    """Variables that switch off the filters of the repository's own configuration."""
    output = run_git(top, "config", "--show-scope", "--includes", "--name-only", "-z", "--list")
    fields = output.decode(errors="surrogateescape").split("\0")
    scoped = zip(fields[::2], fields[1::2], strict=False)
    drivers = {
        key.rpartition(".")[0]
        for scope, key in scoped
        if scope in ("local", "worktree") and key.startswith("filter.")
    }
    settings = [
        (f"{driver}.{part}", value)
        for driver in sorted(drivers)
        for part, value in (("clean", ""), ("process", ""), ("required", "false"))
    ]
    variables = {"GIT_CONFIG_COUNT": str(len(settings))}
    for index, (key, value) in enumerate(settings):
        variables |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    return variables
