"""Values in a release's own env files (``.env.example`` and its kin): public, so never secret."""

from __future__ import annotations

import re
from collections.abc import Collection

from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.secret_stores.env_file import read_env

_NAME = re.compile(r"(?:^|/)(?:\.env[^/]*|[^/]*\.env(?:\.[^/]*)?|env\.(?:example|sample)[^/]*)$")
_SHORTEST = 6
_MAX_FILES = 100
_MAX_BYTES = 200_000


def read_examples(git: GitProbe, commit: str) -> dict[str, Collection[str]]:
    """The values in env files of a commit, by path. Raises ProbeErrors."""
    entries = [
        entry
        for entry in git.files(commit, "")
        if _NAME.search(entry.path) and entry.size_bytes <= _MAX_BYTES and entry.mode != "120000"
    ][:_MAX_FILES]
    contents = git.blobs(entry.blob for entry in entries)
    found: dict[str, Collection[str]] = {}
    for entry in entries:
        pairs = read_env(contents[entry.blob].decode("utf-8", errors="replace"))
        found[entry.path] = frozenset(value for _, value in pairs if len(value) >= _SHORTEST)
    return found
