"""Logs: what the application wrote since the deploy."""

from pytest_chefrelease.plugin import verification

test_logs_no_5xx = verification("logs.no-5xx")
test_logs_auth_failures = verification("logs.auth-failures")
test_logs_error_patterns = verification("logs.error-patterns")
