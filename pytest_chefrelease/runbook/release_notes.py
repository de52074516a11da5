"""Release notes: the section of one version, and what it names.

Sources: runbook, "Release Notes"; Keep a Changelog 1.1.0 for the usual headings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

CATEGORIES = ("features", "fixes", "breaking changes", "migration requirements")
"""Source: runbook, "Release Notes (Recommended)"."""

_NAMED = {
    "features": r"feature|\badded\b|\bnew\b|enhancement|improvement|\bchanged\b",
    "fixes": r"\bfix|bug|\bfixed\b|security|patch",
    "breaking changes": r"breaking|incompatib|\bremoved\b|upgrad(?:e|ing) (?:note|guide)",
    "migration requirements": r"migrat|schema|database",
}
_HEADING = re.compile(
    # Neighbouring parts match different characters, so that no text takes more than one pass.
    r"^(?:(?P<marks>#{1,6})[ \t]+(?P<title>\S.*)"
    r"|(?P<under>\S.*)\n(?P<line>=+|-{3,})[ \t]*$)",
    re.MULTILINE,
)
_VERSION = re.compile(r"(?<![\w.])v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)")
_NOTHING = re.compile(r"(?:[-*+]\s*)?(?:none|nothing|n/?a|no|-)\W*", re.IGNORECASE)


class Part(Struct, frozen=True):
    """A heading with the text below it, down to the next heading."""

    title: str
    text: str

    @property
    def says_something(self) -> bool:
        """Whether there is more below it than "None."."""
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        return any(not _NOTHING.fullmatch(line) for line in lines)


class Notes(Struct, frozen=True):
    """The notes of one version: what stands before its first heading, and its parts."""

    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(f"{part.title}\n{part.text}" for part in self.parts).strip()

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing of what changed."""
        return not any(part.says_something for part in self.parts)

    def names(self, category: str) -> bool:
        """Whether it has a heading or words for a category, be it to say that there is nothing."""
        return re.search(_NAMED[category], self.text, re.IGNORECASE) is not None

    @property
    def announces_breaking_changes(self) -> bool:
        """Whether a part about breaking changes says something."""
        return any(
            re.search(_NAMED["breaking changes"], part.title, re.IGNORECASE) and part.says_something
            for part in self.parts
        )


def notes_for(text: str, version: str) -> Notes | None:
    """The section of a version (``1.5.0``, without prefix) in a changelog; None without one.

    A section begins at a heading that names the version, and ends at the next heading of its
    level or above.
    """
    headings = list(_HEADING.finditer(text))
    for index, heading in enumerate(headings):
        named = _VERSION.search(_title(heading))
        if named is not None and named[1] == version:
            end = _end(headings, index, len(text))
            return Notes(_parts(text, headings, index, end))
    return None


def whole(text: str) -> Notes:
    """A text that is all of one version's notes, as a release at GitHub is."""
    headings = list(_HEADING.finditer(text))
    first = headings[0].start() if headings else len(text)
    head = Part("", text[:first])
    return Notes((head, *(_part(text, headings, i, len(text)) for i in range(len(headings)))))


def _end(headings: Sequence[re.Match[str]], index: int, length: int) -> int:
    level = _level(headings[index])
    following = (h.start() for h in headings[index + 1 :] if _level(h) <= level)
    return next(following, length)


def _parts(text: str, headings: Sequence[re.Match[str]], first: int, end: int) -> tuple[Part, ...]:
    within = [i for i, h in enumerate(headings) if i >= first and h.start() < end]
    return tuple(_part(text, headings, i, end) for i in within)


def _part(text: str, headings: Sequence[re.Match[str]], index: int, end: int) -> Part:
    following = headings[index + 1].start() if index + 1 < len(headings) else end
    return Part(_title(headings[index]), text[headings[index].end() : min(following, end)])


def _title(heading: re.Match[str]) -> str:
    if heading["under"]:
        return heading["under"].strip()
    return (heading["title"] or "").rstrip().rstrip("#").strip()


def _level(heading: re.Match[str]) -> int:
    if heading["marks"]:
        return len(heading["marks"])
    return 1 if heading["line"].startswith("=") else 2
