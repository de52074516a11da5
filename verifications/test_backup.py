"""Backups: fresh, whole, and known to restore."""

from pytest_chefrelease.plugin import verification

test_backup_fresh = verification("backup.fresh")
test_backup_complete = verification("backup.complete")
test_backup_restores = verification("backup.restores")
test_backup_automatic = verification("backup.automatic")
