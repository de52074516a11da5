"""Rollback: a way back exists, and the database does not close it."""

from pytest_chefrelease.plugin import verification

test_rollback_previous_release = verification("rollback.previous-release")
