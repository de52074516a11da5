"""The forms in which a secret's value stands in files and pages: raw, and in usual encodings.

Source: DESIGN.md section 7. Base64 has three alignments: within longer encoded text, the value
begins 0, 1 or 2 bytes into a group of three, and only the characters that it alone decides are
looked for (RFC 4648, section 4).
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote, urlsplit

from pytest_chefrelease.runbook.secret import Secret
from pytest_chefrelease.runbook.secret_entropy import estimate

SHORTEST = 8
"""A text below this length stands in any large repository by chance."""
_PASSWORD_BITS = 40.0
"""A password below this is a word or a name, which stands in many places innocently."""
_LONG_LINE = 24
_NARROWEST = 64
_SHORTEST_PIECE = 10
_URL_SAFE = str.maketrans("+/", "-_")


def searched_texts(secret: Secret) -> tuple[str, ...]:
    """What is looked for to find a secret: its value, or the part that no other text holds.

    An address that carries a strong password stands nowhere without it, in any encoding, so
    the password is looked for alone; likewise a DSN's key. Of a key file it is each long line.
    """
    value = secret.reveal().strip()
    lines = [line.strip() for line in value.splitlines()]
    long_lines = [line for line in lines if len(line) >= _LONG_LINE and " " not in line]
    texts = _credentials(value) or (long_lines if len(lines) > 1 and long_lines else [value])
    return tuple(dict.fromkeys(text for text in texts if len(text) >= SHORTEST))


def _credentials(value: str) -> list[str]:
    """The password of an address, as it stands there and decoded, else a random user name."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return []
    for text in (parts.password, parts.username if not parts.password else None):
        if text and len(text) >= SHORTEST and estimate(text).bits >= _PASSWORD_BITS:
            return [text, unquote(text)]
    return []


def forms_of(text: str) -> dict[bytes, str]:
    """Each form of a text as bytes, with the name of its encoding; raw first."""
    forms: dict[bytes, str] = {}
    for form, name in _forms(text):
        if len(form) >= SHORTEST:
            forms.setdefault(form, name)
    return forms


def _forms(text: str) -> Iterator[tuple[bytes, str]]:
    raw = text.encode(errors="surrogateescape")
    yield raw, "as it is"
    yield text.encode("utf-16-le", errors="surrogatepass"), "as UTF-16"
    yield from _escaped(text, raw)
    yield raw.hex().encode(), "in hexadecimal"
    yield raw.hex().upper().encode(), "in hexadecimal"
    for offset in range(3):
        encoded = inner_base64(raw, offset)
        for form in (encoded, encoded.translate(_URL_SAFE), quote(encoded, safe="")):
            yield form.encode(), "in base64"


def _escaped(text: str, raw: bytes) -> Iterator[tuple[bytes, str]]:
    for form in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
        yield form.encode(), "URL-encoded"
        lower = re.sub("%[0-9A-F]{2}", lambda match: match.group().lower(), form)
        yield lower.encode(), "URL-encoded"
    for form in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
        for escaped in (form, form.replace("/", "\\/"), form.replace("&", "\\u0026")):
            yield escaped.encode(errors="surrogateescape"), "JSON-escaped"
    for form in (html.escape(text), html.escape(text, quote=False)):
        yield form.encode(errors="surrogateescape"), "HTML-escaped"


def base64_pieces(text: str) -> Iterator[tuple[bytes, bytes]]:
    """Pieces of a text in base64, each with the whole that it is of, for lines that break it.

    However an encoder breaks its lines, at 64 characters (PEM, RFC 7468) or 76 (MIME, RFC 2045),
    one of the pieces stays whole: there is one more than there can be breaks.
    """
    raw = text.encode(errors="surrogateescape")
    for offset in range(3):
        encoded = inner_base64(raw, offset)
        for whole in dict.fromkeys((encoded, encoded.translate(_URL_SAFE))):
            count = (len(whole) + _NARROWEST - 2) // _NARROWEST + 1
            size = len(whole) // count
            if size >= _SHORTEST_PIECE:
                for place in range(count):
                    yield whole[place * size : (place + 1) * size].encode(), whole.encode()


def inner_base64(raw: bytes, offset: int) -> str:
    """The characters that ``raw`` alone decides when it stands ``offset`` bytes into a text."""
    encoded = base64.b64encode(b"\0" * offset + raw).decode()
    first = -(-offset * 8 // 6)
    last = (offset + len(raw)) * 8 // 6
    return encoded[first:last]
