"""Backups of production: fresh, whole, and known to restore."""

from __future__ import annotations

from pytest_chefrelease.checks.backup.automatic import backup_automatic
from pytest_chefrelease.checks.backup.complete import backup_complete
from pytest_chefrelease.checks.backup.fresh import backup_fresh
from pytest_chefrelease.checks.backup.restores import backup_restores

__all__ = ["backup_automatic", "backup_complete", "backup_fresh", "backup_restores"]
