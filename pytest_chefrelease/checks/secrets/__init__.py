"""Secrets: present where production reads them, strong, rotated, distinct, and nowhere else.

Each module declares its items; values stay wrapped in ``Secret`` and never reach evidence.
"""

from pytest_chefrelease.checks.secrets.presence import secrets_present
from pytest_chefrelease.checks.secrets.strength import secrets_strength

__all__ = ["secrets_present", "secrets_strength"]
