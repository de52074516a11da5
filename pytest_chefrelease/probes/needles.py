"""Looks for known values in streams of bytes, in constant memory.

``bytes.find`` for each form is quick because the forms are long: it skips ahead by their length,
about 90 forms at more than 100 MB a second together (benchmarks/exposure.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pytest_chefrelease.runbook.secret import Secret
from pytest_chefrelease.runbook.secret_forms import forms_of, searched_texts

BLOCK_BYTES = 4 * 1024 * 1024
_SHOWN_CHARS = 300


@dataclass(frozen=True, slots=True)
class Mark:
    """What was found: the secret's name, and the encoding it stood in. Never the value."""

    name: str
    form: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A find: ``offset`` in bytes from the beginning of what was searched, its length, whose."""

    offset: int
    length: int
    mark: Mark


class Needles:
    """The forms of some secrets, ready to be looked for. Its repr tells how many."""

    def __init__(self, secrets: Mapping[str, Secret]) -> None:
        forms: dict[bytes, Mark] = {}
        for name, secret in secrets.items():
            for text in searched_texts(secret):
                for form, encoding in forms_of(text).items():
                    forms.setdefault(form, Mark(name, encoding))
        self._forms = forms
        self.longest = max(map(len, forms), default=0)

    def __len__(self) -> int:
        return len(self._forms)

    def __repr__(self) -> str:
        return f"Needles({len(self._forms)} forms)"

    def hits(self, data: bytes | bytearray, end: int, known: int = 0) -> Iterator[Hit]:
        """Finds in ``data[:end]`` that do not lie wholly in its first ``known`` bytes."""
        for form, mark in self._forms.items():
            at = data.find(form, max(0, known - len(form) + 1), end)
            while at >= 0:
                yield Hit(at, len(form), mark)
                at = data.find(form, at + 1, end)

    def cleaned(self, text: str) -> str:
        """A name from outside, such as a path, without the values, printable, on one line."""
        data = text.encode(errors="surrogateescape")
        for form in self._forms:
            data = data.replace(form, b"[redacted]")
        shown = data.decode(errors="backslashreplace")
        plain = "".join(
            c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown
        )
        return plain if len(plain) <= _SHOWN_CHARS else f"{plain[:_SHOWN_CHARS]}…"
