"""Chooses the place where backups are kept by the words of ``backup.path``."""

from __future__ import annotations

from pathlib import Path

from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.backups.files import FileBackups
from pytest_chefrelease.probes.backups.s3 import SCHEME, S3Backups
from pytest_chefrelease.probes.backups.source import BackupSource
from pytest_chefrelease.settings.model import BackupTable


def choose_backup_source(table: BackupTable, repository: Path) -> BackupSource:
    """The place that settings name; paths are relative to ``repository``. Raises NotConfigured."""
    if table.path is None:
        raise NotConfigured(
            "nobody said where backups of production are",
            remedy='Set backup.path in release.toml, such as "backups/*.dump".',
        )
    if table.path.startswith(SCHEME):
        return S3Backups.at(table.path)
    return FileBackups(str(repository / Path(table.path).expanduser()))
