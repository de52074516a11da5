"""ChefCloud's backups: taken by pg_dump as its operator does, and made to look older."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pytest_chefrelease.errors import Unreachable
from pytest_chefrelease.probes.backups.form import HEAD_BYTES
from pytest_chefrelease.probes.backups.header import stamped
from pytest_chefrelease.rehearsal.databases import Database

_NAME = "production-{:%Y%m%d-%H%M%S}.dump"


def take(database: Database, folder: Path, now: datetime, options: Sequence[str] = ()) -> Path:
    """Take a backup with pg_dump, in the custom format unless ``options`` say otherwise."""
    folder.mkdir(exist_ok=True)
    path = folder / _NAME.format(now)
    # The password goes by the environment: arguments can be read by everybody.
    login = {"PGPASSWORD": database.password, "LC_ALL": "C", "TZ": "UTC"}
    where = f"host=127.0.0.1 port={database.cluster.port} user={database.role}"
    program = database.cluster.programs.path("pg_dump")
    done = subprocess.run(
        [program, "--format=custom", *options, f"--file={path}", f"{where} dbname={database.name}"],
        env=login,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise Unreachable(f"pg_dump failed: {done.stderr.strip()[-300:]}")
    return path


def date_back(path: Path, moment: datetime) -> Path:
    """Let an archive be of another time, by its own stamp, its file's time and its name."""
    with path.open("r+b") as file:
        head = file.read(HEAD_BYTES)
        file.seek(0)
        file.write(stamped(head, moment))
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    return path.rename(path.with_name(_NAME.format(moment)))
