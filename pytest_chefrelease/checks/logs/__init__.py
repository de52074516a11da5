"""Logs: no 5xx, no jump of refused logins, no message that was not there before the deploy.

``since_deploy`` holds what the items ask of the log alike, ``evidence`` how they show it.
"""

from pytest_chefrelease.checks.logs.auth_failures import logs_auth_failures
from pytest_chefrelease.checks.logs.error_patterns import logs_error_patterns
from pytest_chefrelease.checks.logs.no_5xx import logs_no_5xx

__all__ = ["logs_auth_failures", "logs_error_patterns", "logs_no_5xx"]
