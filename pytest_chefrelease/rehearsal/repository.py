"""ChefCloud's release repository: real git, with tags, and a bare origin that it was pushed to."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from importlib.resources import as_file, files
from pathlib import Path

from msgspec import Struct

from pytest_chefrelease.errors import MissingExtra, Unreachable

PREVIOUS = "v1.4.2"
RELEASE = "v1.5.0"
MIGRATIONS = Path("packages/db/prisma/migrations")

_ZONE = timezone(timedelta(hours=1))
_TIME_LIMIT_S = 30


class Commit(Struct, frozen=True):
    """One commit of the history: its folder in ``product/history``, message, age and tag."""

    folder: str
    message: str
    age: timedelta
    tag: str | None = None


HISTORY = (
    Commit("1-foundation", "feat: payroll runs and journal", timedelta(days=6), "v1.4.0"),
    Commit("2-patch", "fix(inventory): show the unit's own precision", timedelta(days=5), PREVIOUS),
    Commit(
        "3-order-channels", "feat(orders): record the channel an order came by", timedelta(days=3)
    ),
    Commit("4-release", "chore(release): 1.5.0", timedelta(hours=5), RELEASE),
)


class Repository(Struct, frozen=True):
    """A work tree and its bare origin; ``slug`` is the owner and name that GitHub knows it by."""

    path: Path
    origin: Path
    slug: str

    @property
    def migrations(self) -> Path:
        """The folder of Prisma migrations in the work tree."""
        return self.path / MIGRATIONS

    def git(self, *arguments: str) -> str:
        """Run git in the work tree and give what it printed, stripped."""
        return git(self.path, *arguments)

    def commit_of(self, revision: str) -> str:
        """The full hash of the commit that a tag or other revision stands for."""
        return self.git("rev-parse", "--verify", f"{revision}^{{commit}}")


def build(folder: Path, slug: str, now: datetime) -> Repository:
    """Write the repository with its history below ``folder``; ages count back from ``now``."""
    repository = Repository(folder / "chefcloud", folder / "chefcloud.git", slug)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(repository.origin))
    git(folder, "init", "--quiet", "--initial-branch=main", str(repository.path))
    repository.git("remote", "add", "origin", str(repository.origin))
    # The user's own hooks and signing keys have no business in a rehearsal.
    repository.git("config", "user.name", "Chef Cloud")
    repository.git("config", "user.email", "release@chefcloud.example")
    for commit in HISTORY:
        _commit(repository, commit, now - commit.age)
    repository.git("push", "--quiet", "--set-upstream", "origin", "main", "--tags")
    return repository


def _commit(repository: Repository, commit: Commit, when: datetime) -> None:
    lay_over(commit.folder, repository.path)
    stamp = when.astimezone(_ZONE).isoformat(timespec="seconds")
    dates = {"GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp}
    repository.git("add", "--all")
    git(repository.path, "commit", "--quiet", f"--message={commit.message}", extra=dates)
    if commit.tag:
        message = f"--message=Release {commit.tag}"
        git(repository.path, "tag", "--annotate", message, commit.tag, extra=dates)


def lay_over(folder: str, target: Path) -> None:
    """Copy one folder of ``product/history`` over ``target``, with its dot files named so."""
    with as_file(files("pytest_chefrelease.rehearsal.product") / "history" / folder) as source:
        for path in sorted(source.rglob("*")):
            if path.is_file():
                parts = path.relative_to(source).parts
                named = [f".{part[4:]}" if part.startswith("dot-") else part for part in parts]
                destination = target.joinpath(*named)
                destination.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, destination)


def git(folder: Path, *arguments: str, extra: dict[str, str] | None = None) -> str:
    """Run git in ``folder`` without the user's configuration.

    Raises:
        MissingExtra: there is no git.
        Unreachable: git failed; the message is its own.
    """
    program = shutil.which("git")
    if program is None:
        raise MissingExtra("git is not on PATH", remedy="install git")
    done = subprocess.run(
        [program, *arguments],
        cwd=folder,
        env=_environment() | (extra or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIME_LIMIT_S,
        check=False,
    )
    if done.returncode:
        raise Unreachable(f"git {' '.join(arguments)}: {done.stderr.strip()[-300:]}")
    return done.stdout.strip()


def _environment() -> dict[str, str]:
    """The process's environment without git's variables, which a git hook may have set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }
