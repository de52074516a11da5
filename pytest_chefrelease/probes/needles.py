"""Looks for known values in streams of bytes, in constant memory.

``bytes.find`` for each form is quick because the forms are long: it skips ahead by their length,
about 90 forms at more than 100 MB a second together (benchmarks/exposure.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from msgspec import Struct

from pytest_chefrelease.runbook.secret import Secret
from pytest_chefrelease.runbook.secret_forms import base64_pieces, forms_of, searched_texts

BLOCK_BYTES = 4 * 1024 * 1024
_SHOWN_CHARS = 300
_BROKEN = "in base64, broken over lines"
_BREAKS = re.compile(rb"(?:[\r\n\t ]|\\[nr])+")
"""What stands between the parts of a broken line: also as a JSON or program text writes it."""
_LONGEST_BREAK = 60


class Mark(Struct, frozen=True):
    """What was found: the secret's name, and the encoding it stood in. Never the value."""

    name: str
    form: str


class Hit(Struct, frozen=True):
    """A find: ``offset`` in bytes from the beginning of what was searched, its length, whose."""

    offset: int
    length: int
    mark: Mark


@dataclass(frozen=True, slots=True, repr=False)
class _Piece:
    """A piece of a value in base64: the whole, whose it is, whether the whole begins with it."""

    whole: bytes
    name: str
    is_first: bool


class Needles:
    """The forms of some secrets, ready to be looked for. Its repr tells how many."""

    def __init__(self, secrets: Mapping[str, Secret]) -> None:
        forms: dict[bytes, Mark] = {}
        for name, secret in secrets.items():
            for text in searched_texts(secret):
                for form, encoding in forms_of(text).items():
                    forms.setdefault(form, Mark(name, encoding))
        self._all = tuple(forms)
        self._pieces: dict[bytes, _Piece] = {}
        for name, secret in secrets.items():
            for text in searched_texts(secret):
                for piece, whole in base64_pieces(text):
                    is_first = whole.startswith(piece)
                    self._pieces[piece] = _Piece(whole, name, is_first)
                    forms.pop(whole, None)  # its first piece finds it too
        self._forms = forms
        wholes = (2 * _reach(piece.whole) for piece in self._pieces.values())
        self.longest = max(*map(len, self._all), *wholes, 0, 0)

    def __len__(self) -> int:
        return len(self._forms) + len(self._pieces)

    def __repr__(self) -> str:
        return f"Needles({len(self)} forms)"

    def hits(self, data: bytes | bytearray, end: int, known: int = 0) -> Iterator[Hit]:
        """Finds in ``data[:end]`` that do not lie wholly in its first ``known`` bytes."""
        for form, mark in self._forms.items():
            at = data.find(form, max(0, known - len(form) + 1), end)
            while at >= 0:
                yield Hit(at, len(form), mark)
                at = data.find(form, at + 1, end)
        yield from self._in_base64(data, end, known)

    def _in_base64(self, data: bytes | bytearray, end: int, known: int) -> Iterator[Hit]:
        """Base64, also where a line's end breaks it: a piece of it, with the rest around it.

        What is near the end of the data may be whole only with what comes next, so a find can
        be told twice; a broken one is told for each of its pieces.
        """
        for text, piece in self._pieces.items():
            reach = _reach(piece.whole)
            at = data.find(text, max(0, known - reach), end)
            while at >= 0:
                around = bytes(data[max(0, at - reach) : min(end, at + reach)])
                if piece.whole not in around:
                    if piece.whole in _BREAKS.sub(b"", around):
                        yield Hit(at, len(text), Mark(piece.name, _BROKEN))
                elif piece.is_first and data.startswith(piece.whole, at, end):
                    yield Hit(at, len(piece.whole), Mark(piece.name, "in base64"))
                at = data.find(text, at + 1, end)

    def cleaned(self, text: str) -> str:
        """A name from outside, such as a path, without the values, printable, on one line."""
        data = text.encode(errors="surrogateescape")
        for form in self._all:
            data = data.replace(form, b"[redacted]")
        shown = data.decode(errors="backslashreplace")
        plain = "".join(
            c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown
        )
        return plain if len(plain) <= _SHOWN_CHARS else f"{plain[:_SHOWN_CHARS]}…"


def _reach(whole: bytes) -> int:
    """How far around a piece the rest of the whole can stand, with its breaks."""
    return len(whole) + _LONGEST_BREAK * (2 + len(whole) // 64)
