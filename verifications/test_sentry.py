"""Sentry: what the release brought there."""

from pytest_chefrelease.plugin import verification

test_sentry_no_new_issues = verification("sentry.no-new-issues")
