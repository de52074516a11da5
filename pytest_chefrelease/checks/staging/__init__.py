"""Staging: the release candidate runs there, and keeps everything that production must.

Each item has a place here; ``target`` turns a run's surroundings towards staging. What is
verified in production as well is the same function, looked at with staging as the target.
Source: runbook, "2. Staging Verification".
"""

from pytest_chefrelease.checks.staging.command import staging_command
from pytest_chefrelease.checks.staging.repeated import (
    staging_preflight,
    staging_route,
    staging_smoke,
)
from pytest_chefrelease.checks.staging.same_code import staging_same_code
from pytest_chefrelease.checks.staging.spot_check import staging_ui_spot_check

__all__ = [
    "staging_command",
    "staging_preflight",
    "staging_route",
    "staging_same_code",
    "staging_smoke",
    "staging_ui_spot_check",
]
