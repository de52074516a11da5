"""Writes sign-offs: the only code that writes to a user's repository, on explicit command.

It adds a line to the note on one commit under ``refs/notes/release-signoffs``, through the git
program, and touches nothing else: no branch, no index, no work tree, no configuration.
"""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.git_program import GitFailed, run_git
from pytest_chefrelease.runbook.signoffs import NOTES_REF, SignOff, one_line


class Person(Struct, frozen=True):
    """Who signs, as git knows them."""

    name: str
    email: str


def person_here(repository: Path) -> Person:
    """The person whom git's configuration, or GIT_COMMITTER_NAME and _EMAIL, name.

    Raises NotConfigured where nobody is named: git's own guess from the machine is no name.
    """
    name = os.environ.get("GIT_COMMITTER_NAME") or _configured(repository, "user.name")
    email = os.environ.get("GIT_COMMITTER_EMAIL") or _configured(repository, "user.email")
    plain = one_line(email).replace("<", "").replace(">", "").replace(" ", "")
    if not plain or not name.strip():
        raise NotConfigured(
            "git does not know who you are",
            remedy="git config --global user.name NAME && git config --global user.email EMAIL",
        )
    return Person(one_line(name).replace("<", "").replace(">", ""), plain)


def write(repository: Path, signoff: SignOff) -> None:
    """Add a sign-off to the note on its commit. Raises ProbeErrors.

    Whatever happens meanwhile, the ref points at the old notes or at the new ones.
    """
    who = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", signoff.name), ("EMAIL", signoff.email))
    }
    run_git(
        repository,
        *("notes", f"--ref={NOTES_REF}", "append", "--file=-", signoff.commit),
        stdin=f"{signoff.line}\n".encode(),
        variables=who,
    )


def _configured(repository: Path, key: str) -> str:
    try:
        return run_git(repository, "config", "--get", key).decode(errors="replace").strip()
    except GitFailed:  # git's answer when it is not set
        return ""
