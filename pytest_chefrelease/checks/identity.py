"""Which release something says that it runs, and whether that is this one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from pytest_chefrelease.runbook.release import Release

_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_VERSION_KEYS = ("version", "appVersion", "app_version", "buildVersion", "build_version")
_COMMIT_KEYS = ("commit", "sha", "buildSha", "build_sha", "gitSha", "git_sha", "revision")


class Match(StrEnum):
    """Whether what runs is the release."""

    SAME = "same"
    OTHER = "other"
    CONTRADICTORY = "contradictory"
    UNKNOWN = "unknown"


class Clue(Struct, frozen=True):
    """One thing that was said: where, and the version or commit as it stood there."""

    place: str
    value: str

    @property
    def is_commit(self) -> bool:
        """Whether the value is a commit, whole or shortened; a version has dots."""
        return _COMMIT.fullmatch(self.value.lower()) is not None


def clues_of(document: object, place: str) -> tuple[Clue, ...]:
    """Version and commit in a health endpoint's JSON, under their usual names."""
    if not isinstance(document, Mapping):
        return ()
    found = []
    for keys in (_VERSION_KEYS, _COMMIT_KEYS):
        told = [(key, document[key]) for key in keys if isinstance(document.get(key), str)]
        found += [Clue(f"{place} {key}", value.strip()[:80]) for key, value in told[:1] if value]
    return tuple(found)


def same(clue: Clue, release: Release, tag_prefix: str = "") -> bool | None:
    """Whether the clue names the release; None where the release has nothing to compare."""
    if clue.is_commit:
        if release.commit is None:
            return None
        told, ours = clue.value.lower(), release.commit.lower()
        return ours.startswith(told) or told.startswith(ours)
    if release.version is None:
        return None
    return _bare(clue.value, tag_prefix) == _bare(release.version, tag_prefix)


def match(clues: Sequence[Clue], release: Release, tag_prefix: str = "") -> Match:
    """What all clues together say.

    Another commit is other code whatever the version reads. The commit of the release under
    another version is a contradiction: code and label come from two builds.
    """
    judged = [(clue, same(clue, release, tag_prefix)) for clue in clues]
    if any(is_same is False and clue.is_commit for clue, is_same in judged):
        return Match.OTHER
    verdicts = {is_same for _, is_same in judged} - {None}
    if not verdicts:
        return Match.UNKNOWN
    if len(verdicts) == 2:
        return Match.CONTRADICTORY
    return Match.SAME if True in verdicts else Match.OTHER


def _bare(version: str, prefix: str) -> str:
    return version.strip().removeprefix(prefix).removeprefix("v")
