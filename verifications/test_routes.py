"""The web front's top routes (runbook: Manual Verification)."""

from pytest_chefrelease.plugin import verification

test_routes_http = verification("routes.http")
test_routes_browser = verification("routes.browser")
test_routes_login = verification("routes.login")
