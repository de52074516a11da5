"""The identity of a release: fixed at the start of a run, carried by every piece of evidence."""

from __future__ import annotations

from msgspec import Struct


class Release(Struct, frozen=True):
    """Version, commit and environment that a run is about.

    ``version`` is the tag's name (``v1.5.0``) or None where nothing says it; ``commit`` is
    the full hash or None outside a git repository; ``problem`` says why a part is missing.
    ``rolled_back_from`` is the newer version that this one is the fallback of, and
    ``rolled_back_commit`` its commit.
    """

    version: str | None
    commit: str | None
    environment: str
    image: str | None = None
    previous_version: str | None = None
    problem: str | None = None
    rolled_back_from: str | None = None
    rolled_back_commit: str | None = None

    @property
    def name(self) -> str:
        """The release in words: ``v1.5.0 (3f2a91c) in production``."""
        commit = f" ({self.commit[:7]})" if self.commit else ""
        return f"{self.version or 'unknown version'}{commit} in {self.environment}"
