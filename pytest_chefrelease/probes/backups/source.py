"""What a check asks of the place where backups are kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Protocol

from msgspec import Struct


class Backup(Struct, frozen=True):
    """One backup: its path or address, size, when it was last written (UTC), and its first bytes.

    ``is_directory`` says that it is a folder of pg_dump's directory format; ``head`` is then
    that of its toc.dat.
    """

    place: str
    size_bytes: int
    changed_at: datetime
    is_directory: bool = False


class BackupSource(Protocol):
    """Lists and reads; writes nothing there."""

    @property
    def place(self) -> str:
        """The glob, folder or address."""

    @property
    def is_remote(self) -> bool:
        """Whether fetching a backup takes room on this machine."""

    async def newest_first(self) -> tuple[Backup, ...]:
        """All backups, by the time at which they were written. Raises ProbeErrors."""

    async def head(self, backup: Backup) -> bytes:
        """The first bytes of a backup. Raises ProbeErrors."""

    async def look_again(self, backup: Backup) -> Backup | None:
        """The backup as it is now, or None where it is gone. Raises ProbeErrors."""

    async def fetch(self, backup: Backup, folder: Path) -> Path:
        """Where it can be read on this machine; copied into ``folder`` only if it must be."""
