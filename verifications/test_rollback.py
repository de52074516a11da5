"""Rollback: a way back exists, and the database does not close it."""

from pytest_chefrelease.plugin import verification

test_rollback_previous_release = verification("rollback.previous-release")
test_rollback_team_notified = verification("rollback.team-notified")
test_rollback_incident_documented = verification("rollback.incident-documented")
test_rollback_fix_retested = verification("rollback.fix-retested")
