"""The one place that takes secrets' values out of what leaves the process.

Source: DESIGN.md section 7.
"""

from __future__ import annotations

import dataclasses
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar
from urllib.parse import quote, quote_plus, unquote, urlsplit

import msgspec

from pytest_chefrelease.runbook.quick_check import Line
from pytest_chefrelease.runbook.secret_forms import inner_base64

MARK = "[redacted]"
SHORTEST = 6
"""Values below this length would take ordinary words out of the reports."""

_LINE = 20  # a line of a key file that is worth finding on its own
_T = TypeVar("_T")


class Redactor:
    """Replaces secret values, and what usual encodings make of them, by ``[redacted]``.

    ``values`` are the secrets; those shorter than 6 characters are ignored. Of an URL the
    password is taken on its own too, of a text of several lines each long line. Found are
    the value itself and its URL, base64 (standard and URL-safe, inside of longer encoded
    text), hex, JSON, HTML and Python escapes.
    """

    def __init__(self, values: Iterable[str]) -> None:
        forms = {form for value in values for form in _forms_of(value)}
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        pattern = "|".join(map(re.escape, ordered))
        self._search = re.compile(pattern).search if ordered else None
        self._replace = re.compile(pattern).sub if ordered else None

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self._search is None or self._replace is None or self._search(text) is None:
            return text
        return self._replace(MARK, text)

    def clean(self, value: _T) -> _T:
        """Plain data (strings, lists, dicts, structs, dataclasses, nested) without secrets.

        Enumerations and the board are words of ours, and stay. What holds no secret is
        returned as it is, not copied.
        """
        cleaned = self._clean(value)
        if not isinstance(cleaned, type(value)):
            raise TypeError(f"redacting turned {type(value)} into {type(cleaned)}")
        return cleaned

    def _clean(self, value: object) -> object:
        if type(value) is str:
            return self.text(value)
        if isinstance(value, Line):
            return value
        if isinstance(value, list):
            return [self._clean(each) for each in value]
        if isinstance(value, tuple):
            return tuple(self._clean(each) for each in value)
        if isinstance(value, Mapping):
            return {self._clean(key): self._clean(each) for key, each in value.items()}
        if isinstance(value, msgspec.Struct):
            changed = self._changed(msgspec.structs.asdict(value))
            return msgspec.structs.replace(value, **changed) if changed else value
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value)]
            changed = self._changed({name: getattr(value, name) for name in names})
            return dataclasses.replace(value, **changed) if changed else value
        return value

    def _changed(self, before: Mapping[str, object]) -> dict[str, object]:
        """The fields that hold a secret, without it."""
        after = {name: self._clean(each) for name, each in before.items()}
        return {name: new for name, new in after.items() if new != before[name]}


def _forms_of(value: str) -> Iterator[str]:
    for part in _parts_of(value):
        if len(part) >= SHORTEST:
            yield from _encodings_of(part)


def _parts_of(value: str) -> Iterator[str]:
    stripped = value.strip()
    yield stripped
    try:
        password = urlsplit(stripped).password
    except ValueError:  # "[" in a password reads as an IPv6 address
        password = None
    if password:
        yield password
        yield unquote(password)
    lines = stripped.splitlines()
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _LINE and " " not in line)


def _encodings_of(value: str) -> Iterator[str]:
    raw = value.encode(errors="surrogatepass")
    yield value
    for text in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
        yield text
        yield re.sub("%[0-9A-F]{2}", lambda match: match.group().lower(), text)
    for escaped in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield escaped
        yield escaped.replace("/", "\\/")
    yield from (repr(value)[1:-1], repr(raw)[2:-1])
    yield from (html.escape(value), html.escape(value, quote=False))
    yield from (raw.hex(), raw.hex().upper())
    for offset in range(3):
        encoded = inner_base64(raw, offset)
        yield from (encoded, encoded.translate(_URL_SAFE), quote(encoded, safe=""))


_URL_SAFE = str.maketrans("+/", "-_")
