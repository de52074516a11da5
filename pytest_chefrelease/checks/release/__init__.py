"""The release itself: approved by a person, outside a freeze, and written down."""

from pytest_chefrelease.checks.release.approval import release_approved
from pytest_chefrelease.checks.release.documented import release_documented
from pytest_chefrelease.checks.release.freeze import release_freeze

__all__ = ["release_approved", "release_documented", "release_freeze"]
