"""The changelog of the release commit, and the section of a version in it."""

from __future__ import annotations

from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.runbook.release_notes import Notes, notes_for

_FILES = (
    *("CHANGELOG.md", "CHANGELOG", "CHANGELOG.txt", "CHANGES.md", "HISTORY.md"),
    *("RELEASE_NOTES.md", "RELEASES.md", "docs/CHANGELOG.md"),
)
_MOST_BYTES = 4_000_000


class Written(Struct, frozen=True):
    """The notes of a version, None without any; the file they stand in, and all that were read."""

    notes: Notes | None
    path: str
    looked: tuple[str, ...]


def read_changelog(look: Context, commit: str, version: str) -> Written:
    """The version's section in ``release.notes``, or in one of the usual files. Blocks."""
    git, own = look.probes.git, look.settings.release.notes
    paths = (own,) if own else _FILES
    entries = [entry for path in paths if (entry := git.file(commit, path)) is not None]
    entries = [entry for entry in entries if entry.size_bytes <= _MOST_BYTES]
    blobs = git.blobs(entry.blob for entry in entries)
    looked = tuple(entry.path for entry in entries)
    for entry in entries:
        notes = notes_for(blobs[entry.blob].decode(errors="replace"), version)
        if notes is not None:
            return Written(notes, entry.path, looked)
    return Written(None, "", looked or (f"no {paths[0]}",))
