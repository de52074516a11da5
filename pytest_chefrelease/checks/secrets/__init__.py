"""Secrets: present where production reads them, strong, rotated, distinct, and nowhere else.

Each module declares its items; values stay wrapped in ``Secret`` and never reach evidence.
"""

from pytest_chefrelease.checks.secrets.blueprint import secrets_not_in_blueprint
from pytest_chefrelease.checks.secrets.credentials import secrets_no_credentials_in_release
from pytest_chefrelease.checks.secrets.distinct import secrets_distinct
from pytest_chefrelease.checks.secrets.presence import secrets_present
from pytest_chefrelease.checks.secrets.repository import secrets_not_in_repository
from pytest_chefrelease.checks.secrets.rotation import secrets_rotation
from pytest_chefrelease.checks.secrets.served import secrets_not_served
from pytest_chefrelease.checks.secrets.signed import secrets_jwt_rotation, secrets_old_is_dead
from pytest_chefrelease.checks.secrets.strength import secrets_strength

__all__ = [
    "secrets_distinct",
    "secrets_jwt_rotation",
    "secrets_no_credentials_in_release",
    "secrets_not_in_blueprint",
    "secrets_not_in_repository",
    "secrets_not_served",
    "secrets_old_is_dead",
    "secrets_present",
    "secrets_rotation",
    "secrets_strength",
]
