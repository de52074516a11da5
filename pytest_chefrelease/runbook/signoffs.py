"""Sign-offs: a person's word that a manual item was done, as one line of a git note.

::

    2026-11-24T10:00:00.123Z signed release.approved for COMMIT by Ada Keller <ada@x.io>: note

A line says all that it means by itself: notes of several people are joined line by line
(``git notes merge -s cat_sort_uniq``), and lines sort by time. It names its commit, so that a
note which git carries over to another one (rebase, cherry-pick) does not sign that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from msgspec import Struct

NOTES_REF = "refs/notes/release-signoffs"
_MOST_NOTE_CHARS = 500
_LINE = re.compile(
    r"(?P<at>\S+) (?P<what>signed|revoked) (?P<item>\S+) for (?P<commit>[0-9a-f]{40,64}) "
    r"by (?P<name>[^<>]*?) ?<(?P<email>[^<>\s]+)>(?:: (?P<note>.*))?"
)


class SignOff(Struct, frozen=True):
    """One person's word on one item and commit, or that it no longer stands."""

    item: str
    commit: str
    name: str
    email: str
    at: datetime
    note: str = ""
    is_revocation: bool = False

    @property
    def person(self) -> str:
        """``Ada Keller <ada@x.io>``."""
        return f"{self.name} <{self.email}>" if self.name else f"<{self.email}>"

    @property
    def line(self) -> str:
        """The line of the note."""
        what = "revoked" if self.is_revocation else "signed"
        stamp = self.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        note = f": {one_line(self.note)}" if self.note.strip() else ""
        return f"{stamp} {what} {self.item} for {self.commit} by {self.person}{note}"


def read_lines(text: str) -> tuple[SignOff, ...]:
    """The sign-offs of a note, oldest first; what is none of our lines is passed over."""
    found = [_read(line.strip()) for line in text.splitlines()]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.at))


def standing(entries: Iterable[SignOff], item: str, commit: str) -> tuple[SignOff, ...]:
    """Each person's sign-off of an item and commit that was not revoked after it."""
    last: dict[str, SignOff] = {}
    for entry in entries:
        if entry.item == item and entry.commit == commit:
            last[entry.email.casefold()] = entry
    return tuple(entry for entry in last.values() if not entry.is_revocation)


def with_other_eyes(signed: Sequence[SignOff], writers: frozenset[str]) -> tuple[SignOff, ...]:
    """The sign-offs of people who did not write the change themselves."""
    return tuple(one for one in signed if one.email.casefold() not in writers)


def one_line(text: str) -> str:
    """Text without line breaks and control characters, at most 500 characters."""
    spaced = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(spaced.split())[:_MOST_NOTE_CHARS]


def _read(line: str) -> SignOff | None:
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    try:
        at = datetime.fromisoformat(found["at"])
    except ValueError:
        return None
    return SignOff(
        item=found["item"],
        commit=found["commit"],
        name=found["name"],
        email=found["email"],
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
        note=found["note"] or "",
        is_revocation=found["what"] == "revoked",
    )
