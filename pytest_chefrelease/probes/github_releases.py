"""Releases at GitHub: the notes that were published with a tag."""

from __future__ import annotations

from urllib.parse import quote

from msgspec import Struct

from pytest_chefrelease.probes.github import GitHubProbe


class _Release(Struct, frozen=True):
    tag_name: str
    body: str | None = None
    draft: bool = False


async def release_notes(github: GitHubProbe, tag: str) -> str | None:
    """The text of the release of a tag, None where there is no such release. Raises ProbeErrors.

    Source: GitHub's API, "Get a release by tag name".
    """
    release = await github.document(f"releases/tags/{quote(tag, safe='')}", _Release)
    return None if release is None or release.draft else release.body or ""
