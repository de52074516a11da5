"""A secret's usual encodings, worked out apart from the product's own, and where they stand."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus, urlencode

_SHORTEST = 8


def forms(value: str) -> Iterator[tuple[str, bytes]]:
    """Names of encodings, and the bytes by which each is known."""
    raw = value.encode()
    yield "raw", raw
    yield "URL", quote(value, safe="").encode()
    yield "URL form", urlencode({"": value})[1:].encode()
    yield "URL plus", quote_plus(value).encode()
    yield "JSON", json.dumps(value)[1:-1].encode()
    yield "HTML", html.escape(value).encode()
    yield "hex", raw.hex().encode()
    yield "HEX", raw.hex().upper().encode()
    yield "reversed", raw[::-1]
    for shift in range(3):
        # Of the characters at both ends some bits are the neighbours'.
        first = 0 if shift == 0 else 4
        inside = base64.b64encode(b"\0" * shift + raw)
        whole = inside[first : (shift + len(raw)) // 3 * 4]
        yield f"base64 at {shift}", whole
        yield f"base64url at {shift}", whole.translate(bytes.maketrans(b"+/", b"-_"))


def found(canaries: Mapping[str, str], places: Iterable[tuple[str, bytes]]) -> list[str]:
    """Each canary that stands somewhere: its name, encoding and place, never its value."""
    needles = {
        (name, kind): data
        for name, value in canaries.items()
        for kind, data in forms(value)
        if len(data) >= _SHORTEST
    }
    return sorted(
        {
            f"{name} ({kind}) in {place}"
            for place, text in places
            for (name, kind), data in needles.items()
            if data in text
        }
    )
