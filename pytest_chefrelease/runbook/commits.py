"""Commits as a release is made of them, and what they say of themselves.

Source: Conventional Commits 1.0.0: ``type(scope)!: subject``, footers ``BREAKING CHANGE:``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum

from msgspec import Struct

_SUBJECT = re.compile(r"(?P<type>[A-Za-z]+)(?:\([^)]*\))?(?P<breaking>!)?: \S")
_BREAKING = re.compile(r"^BREAKING[ -]CHANGE: \S", re.MULTILINE)
_CO_AUTHOR = re.compile(
    # No two parts match the same characters: what matches nowhere is left in one pass.
    r"^Co-authored-by:[^<\n]*<(?P<email>[^>\n]+)>[ \t\r]*$",
    re.MULTILINE | re.IGNORECASE,
)


class Step(IntEnum):
    """What a release changes of its version; the names are those of semantic versioning."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3

    @property
    def word(self) -> str:
        """``minor``."""
        return self.name.lower()


class Commit(Struct, frozen=True):
    """A commit: its full hash, its parents', who wrote it, and its message."""

    name: str
    parents: tuple[str, ...]
    author: str
    email: str
    subject: str
    body: str = ""

    @property
    def kind(self) -> str | None:
        """``feat``, ``fix``, ``chore`` …; None where the subject does not say."""
        found = _SUBJECT.match(self.subject)
        return found["type"].lower() if found else None

    @property
    def is_breaking(self) -> bool:
        """Whether it says that it breaks what used it: ``feat!:`` or the footer."""
        found = _SUBJECT.match(self.subject)
        return bool((found and found["breaking"]) or _BREAKING.search(self.body))

    @property
    def is_merge(self) -> bool:
        """Whether it joins histories."""
        return len(self.parents) > 1

    @property
    def step(self) -> Step:
        """The step that it asks for by its own words."""
        if self.is_breaking:
            return Step.MAJOR
        if self.kind is None:
            return Step.NONE
        return Step.MINOR if self.kind in ("feat", "feature") else Step.PATCH

    @property
    def writers(self) -> frozenset[str]:
        """The e-mail addresses of its author and co-authors, in small letters."""
        others = (found["email"] for found in _CO_AUTHOR.finditer(self.body))
        return frozenset(email.strip().casefold() for email in (self.email, *others))


def needed_step(commits: Iterable[Commit]) -> Step:
    """The largest step that any of the commits asks for."""
    return max((commit.step for commit in commits), default=Step.NONE)
