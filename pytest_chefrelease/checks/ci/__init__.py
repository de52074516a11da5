"""CI: green on exactly the release commit, which is on main; the user's own commands; alerts.

Each module declares its items; ``github_access`` gives GitHub's API as settings name it.
"""

from pytest_chefrelease.checks.ci.alerts import ci_security_alerts
from pytest_chefrelease.checks.ci.command import ci_command
from pytest_chefrelease.checks.ci.commit_on_main import ci_commit_on_main
from pytest_chefrelease.checks.ci.github_access import github_probe
from pytest_chefrelease.checks.ci.required import required_checks

__all__ = [
    "ci_command",
    "ci_commit_on_main",
    "ci_security_alerts",
    "github_probe",
    "required_checks",
]
