"""Version: tagged, on a clean tree, a fitting step, with notes, in time, and one everywhere.

Each module declares its items; ``history`` holds what they ask of the repository alike.
"""

from pytest_chefrelease.checks.version.bump import version_bump
from pytest_chefrelease.checks.version.cadence import version_cadence
from pytest_chefrelease.checks.version.clean_tree import version_clean_tree
from pytest_chefrelease.checks.version.coherence import version_coherence
from pytest_chefrelease.checks.version.notes import version_release_notes
from pytest_chefrelease.checks.version.tag import version_tag

__all__ = [
    "version_bump",
    "version_cadence",
    "version_clean_tree",
    "version_coherence",
    "version_release_notes",
    "version_tag",
]
