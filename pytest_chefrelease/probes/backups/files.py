"""Backups in files: by a glob, or all of a folder."""

from __future__ import annotations

import asyncio
import glob
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from pytest_chefrelease.errors import AccessDenied, ProbeError, Unreachable
from pytest_chefrelease.probes.backups.form import HEAD_BYTES
from pytest_chefrelease.probes.backups.source import Backup

CONTENTS = "toc.dat"
"""The file that makes a folder a backup in pg_dump's directory format."""


class FileBackups(Struct, frozen=True):
    """``pattern`` is absolute: a glob, or a folder of which every file is a backup."""

    pattern: str

    @property
    def place(self) -> str:
        """The pattern."""
        return self.pattern

    @property
    def is_remote(self) -> bool:
        """Never."""
        return False

    async def newest_first(self) -> tuple[Backup, ...]:
        """Raises Unreachable where the folder is not there, AccessDenied."""
        return await asyncio.to_thread(self._list)

    def _list(self) -> tuple[Backup, ...]:
        folder = _folder_of(self.pattern)
        try:
            if not folder.is_dir():
                raise Unreachable(
                    "there is no such folder",
                    where=str(folder),
                    remedy="Correct backup.path in release.toml, or run where backups are.",
                )
            os.listdir(folder)  # noqa: PTH208 (asks for the right to list, which glob hides)
            found = [seen for path in self._paths() if (seen := _seen(path))]
        except OSError as error:
            raise refused(self.pattern, error) from None
        return tuple(sorted(found, key=lambda backup: (backup.changed_at, backup.place))[::-1])

    def _paths(self) -> Iterator[Path]:
        path = Path(self.pattern)
        if path.is_dir() and not (path / CONTENTS).is_file():
            yield from (child for child in path.iterdir() if not child.name.startswith("."))
        else:
            yield from map(Path, glob.glob(self.pattern, recursive=True))  # noqa: PTH207 (absolute)

    async def head(self, backup: Backup) -> bytes:
        """Of a folder, that of its table of contents."""
        return await asyncio.to_thread(_head, backup)

    async def look_again(self, backup: Backup) -> Backup | None:
        """By its path."""
        try:
            return await asyncio.to_thread(_seen, Path(backup.place))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise refused(backup.place, error) from None

    async def fetch(self, backup: Backup, folder: Path) -> Path:  # noqa: ARG002 (the Protocol's)
        """It is here already."""
        return Path(backup.place)


def refused(path: str, error: OSError) -> ProbeError:
    """What an error of the file system means."""
    kind = AccessDenied if isinstance(error, PermissionError) else Unreachable
    return kind(
        f"the backup cannot be read: {(error.strerror or type(error).__name__).lower()}",
        where=path,
        remedy="Let the user that runs pytest read it, or correct backup.path.",
    )


def _folder_of(pattern: str) -> Path:
    """The part of a pattern without wildcards."""
    path = Path(pattern)
    if path.is_dir():
        return path
    while glob.has_magic(path.name) or glob.has_magic(str(path)):
        path = path.parent
    return path if path.is_dir() else path.parent


def _seen(path: Path) -> Backup | None:
    if path.is_file():
        state = path.stat()
        return Backup(str(path), state.st_size, _utc(state.st_mtime))
    contents = path / CONTENTS
    if not contents.is_file():
        return None
    states = [child.stat() for child in path.iterdir()]
    size, changed = sum(s.st_size for s in states), max(s.st_mtime for s in states)
    return Backup(str(path), size, _utc(changed), is_directory=True)


def _head(backup: Backup) -> bytes:
    path = Path(backup.place)
    try:
        with (path / CONTENTS if backup.is_directory else path).open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise refused(backup.place, error) from None


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
