"""The release itself: approved by a person, outside a freeze, written down, and remembered."""

from pytest_chefrelease.checks.release.approval import release_approved
from pytest_chefrelease.checks.release.documented import release_documented
from pytest_chefrelease.checks.release.freeze import release_freeze
from pytest_chefrelease.checks.release.track_record import release_track_record

__all__ = [
    "release_approved",
    "release_documented",
    "release_freeze",
    "release_track_record",
]
