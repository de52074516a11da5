"""What a check asks of a detector, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Protocol

from msgspec import Struct

from pytest_chefrelease.probes.added_text import AddedLine


class Detected(Struct, frozen=True):
    """Credential-shaped text in a line: what kind, where, and its fingerprint; never the text.

    ``is_certain`` is False for text that only looks so by a name beside it, or is a known
    example.
    """

    rule: str
    path: str
    line: int
    fingerprint: str
    is_certain: bool


class Detector(Protocol):
    """Looks through lines; blocks."""

    @property
    def name(self) -> str:
        """The program or library, with its version."""

    def detect(self, lines: Sequence[AddedLine], *, limit_s: float) -> tuple[Detected, ...]:
        """All that it finds. Raises NoAnswer after ``limit_s`` seconds, and other ProbeErrors."""


def fingerprint_of(text: str) -> str:
    """What an allow list names a credential by: 16 hex digits of its SHA-256."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
