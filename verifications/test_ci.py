"""CI: green on exactly the release commit, which is on main; commands; alerts."""

from pytest_chefrelease.plugin import verification

test_ci_required_checks = verification("ci.required-checks")
test_ci_commit_on_main = verification("ci.commit-on-main")
test_ci_command = verification("ci.command")
test_ci_security_alerts = verification("ci.security-alerts")
