"""CI: required checks of the release commit."""

from pytest_chefrelease.plugin import verification

test_ci_required_checks = verification("ci.required-checks")
