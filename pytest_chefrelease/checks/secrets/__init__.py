"""Secrets: present where production reads them, strong, rotated, distinct, and nowhere else.

Each module declares its items; values stay wrapped in ``Secret`` and never reach evidence.
"""

from pytest_chefrelease.checks.secrets.distinct import secrets_distinct
from pytest_chefrelease.checks.secrets.presence import secrets_present
from pytest_chefrelease.checks.secrets.repository import secrets_not_in_repository
from pytest_chefrelease.checks.secrets.strength import secrets_strength

__all__ = [
    "secrets_distinct",
    "secrets_not_in_repository",
    "secrets_present",
    "secrets_strength",
]
