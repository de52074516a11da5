"""Versions that package manifests of a commit give: package.json and pyproject.toml."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence

from pytest_chefrelease.probes.git import GitProbe

_MOST_BYTES = 2_000_000
_PLACEHOLDERS = ("0.0.0", "0.0.0-development", "0.0.0-semantically-released")


def manifest_versions(git: GitProbe, commit: str, paths: Sequence[str]) -> dict[str, str | None]:
    """The version in each manifest that the commit holds; None where it gives none. Blocks.

    A placeholder (``0.0.0``), as of packages that are never published, is none.
    """
    entries = [entry for path in paths if (entry := git.file(commit, path)) is not None]
    entries = [entry for entry in entries if entry.size_bytes <= _MOST_BYTES]
    blobs = git.blobs(entry.blob for entry in entries)
    return {entry.path: _version(entry.path, blobs[entry.blob]) for entry in entries}


def _version(path: str, data: bytes) -> str | None:
    try:
        text = data.decode("utf-8-sig")
        document = tomllib.loads(text) if path.endswith(".toml") else json.loads(text)
    except (ValueError, RecursionError):
        return None
    if path.endswith(".toml") and isinstance(document, dict):
        document = document.get("project")
    version = document.get("version") if isinstance(document, dict) else None
    is_real = isinstance(version, str) and version not in _PLACEHOLDERS
    return str(version)[:80] if is_real else None
