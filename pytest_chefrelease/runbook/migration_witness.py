"""What ``prisma migrate status`` says, read from its text, beside what we found.

Source: FACTS.md, "Prisma Migrate, run for real", and the text of Prisma 6.19. Its exit code is 1
for a pending migration and for a lost connection alike, so the text decides.
"""

from __future__ import annotations

import re

from msgspec import Struct

from pytest_chefrelease.runbook.migration_history import Comparison, Problem, name_order

_UP_TO_DATE = "Database schema is up to date"
_LIST = r"(?P<names>(?:[^\n]+\n)+)"
_PENDING = re.compile(rf"have not yet been applied:\n{_LIST}")
_FAILED = re.compile(rf"have failed:\n{_LIST}")
_DATABASE = re.compile(r'^Datasource "[^"\n]*": \w+ database "(?P<name>[^"\n]*)"', re.MULTILINE)
_ERROR = re.compile(r"^(?:Error: |error: )(?P<text>[^\n]*(?:\n+[^\n]+)?)", re.MULTILINE)
_SHOWN = 5


class Word(Struct, frozen=True):
    """Prisma's answer: the database that it asked, and the migrations that it names.

    It does not name failed ones while others are pending. Where neither is named it says that
    the schema is up to date.
    """

    database: str | None
    pending: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()

    def __str__(self) -> str:
        if self.pending:
            return f"pending: {_listed(self.pending)}"
        return f"failed: {_listed(self.failed)}" if self.failed else "up to date"


def read_word(output: str) -> Word | None:
    """The answer in the program's output, None where there is none."""
    text = output.replace("\r\n", "\n") + "\n"
    database, pending, failed = (each.search(text) for each in (_DATABASE, _PENDING, _FAILED))
    if not pending and not failed and _UP_TO_DATE not in text:
        return None
    return Word(database["name"] if database else None, _names(pending), _names(failed))


def error_in(output: str) -> str:
    """What the program says is wrong, on one line; empty where it says nothing."""
    found = _ERROR.search(output.replace("\r\n", "\n"))
    return " ".join(found["text"].split()) if found else ""


def expected_word(compared: Comparison) -> Word | None:
    """What Prisma has to say of what we found, None where it gives no answer at all.

    It passes over what was edited, is absent from the release, or was rolled back; it takes a
    directory without a script for a migration.
    """
    if compared.of(Problem.WRONG_PROVIDER):
        return None
    applied = {row.name for row in compared.applied}
    named = (*compared.of(Problem.PENDING), *compared.of(Problem.NO_SCRIPT))
    pending = frozenset(found.name for found in named if found.name not in applied)
    failed = frozenset() if pending else frozenset(row.name for row in compared.failed)
    return Word(None, pending, failed)


def disagreement(word: Word, compared: Comparison) -> str:
    """Both answers where they differ, empty where they do not."""
    ours = expected_word(compared)
    if ours is None or (word.pending, word.failed) == (ours.pending, ours.failed):
        return ""
    return f"Prisma says {word}; the history that was read here says {ours}"


def _names(found: re.Match[str] | None) -> frozenset[str]:
    return frozenset(line.strip() for line in found["names"].splitlines()) if found else frozenset()


def _listed(names: frozenset[str]) -> str:
    ordered = sorted(names, key=name_order)
    more = len(ordered) - _SHOWN
    return ", ".join(ordered[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
