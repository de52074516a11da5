"""Version: tagged, on a clean tree, a fitting step, with notes, in time."""

from pytest_chefrelease.plugin import verification

test_version_tag = verification("version.tag")
test_version_clean_tree = verification("version.clean-tree")
test_version_bump = verification("version.bump")
test_version_release_notes = verification("version.release-notes")
test_version_cadence = verification("version.cadence")
test_version_coherence = verification("version.coherence")
