"""The release itself: approved, outside a freeze, and written down."""

from pytest_chefrelease.plugin import verification

test_release_approved = verification("release.approved")
test_release_freeze = verification("release.freeze")
test_release_documented = verification("release.documented")
test_release_track_record = verification("release.track-record")
