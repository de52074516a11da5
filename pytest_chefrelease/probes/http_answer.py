"""An HTTP answer as plain data, and the bounded decoding of its body."""

from __future__ import annotations

import codecs
import json
import re
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Never

from msgspec import Struct, field

from pytest_chefrelease.errors import Malformed

_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:+-]+)", re.IGNORECASE)
_HTML = re.compile(r"\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Answer(Struct, frozen=True):
    """What a server answered to one request.

    ``headers`` have lower-case names, repeated ones joined by a comma; ``cookies`` are the
    raw Set-Cookie lines; ``body`` is decoded (gzip, deflate) and bounded: ``is_truncated``
    says that there was more. ``elapsed_ms`` runs from sending the request to the last byte
    read, ``visited`` names the addresses that redirected here.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_ms: float
    http_version: str
    observed_at: datetime
    is_truncated: bool = False
    cookies: tuple[str, ...] = ()
    visited: tuple[str, ...] = field(default=())

    @property
    def content_type(self) -> str:
        """The media type without its parameters, in lower case; empty where there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_html(self) -> bool:
        """Whether the answer is a page, by its declaration or its first bytes."""
        return self.content_type in ("text/html", "application/xhtml+xml") or (
            _HTML.match(self.body[:512].decode("ascii", "replace")) is not None
        )

    @property
    def is_broken_json(self) -> bool:
        """Whether it calls itself JSON, is whole, and is none."""
        if self.content_type.rpartition("+")[2] not in ("application/json", "json"):
            return False
        if self.is_truncated:
            return False
        try:
            self.json()
        except Malformed:
            return True
        return False

    def text(self) -> str:
        """The body by its declared charset; what does not decode becomes U+FFFD."""
        declared = _CHARSET.search(self.headers.get("content-type", ""))
        try:
            name = codecs.lookup(declared.group(1)).name if declared else "utf-8"
            return self.body.decode(name, "replace")
        except (LookupError, ValueError):  # unknown, or a codec that is no text encoding
            return self.body.decode("utf-8", "replace")

    def json(self) -> object:
        """The body as JSON, all text of it UTF-8. Raises Malformed, saying what came instead."""
        if self.is_truncated:
            raise self._no_json(f"the body is longer than {len(self.body):,} bytes")
        text = self.text().removeprefix("\ufeff")
        try:
            document = json.loads(text, parse_constant=_no_number)
            return _in_whole_characters(document) if _HALF.search(text) else document
        except (ValueError, RecursionError):
            pass
        if not self.body.strip():
            raise self._no_json("the body is empty")
        kind = "an HTML page" if self.is_html else self.content_type or "text"
        raise self._no_json(f"{kind} instead of JSON: {self.excerpt(80)!r}")

    def excerpt(self, limit: int = 400) -> str:
        """The body's first ``limit`` characters, white space squeezed, for people."""
        text = " ".join(self.text()[: limit * 4].split())
        return text if len(text) <= limit else text[: limit - 1] + "…"

    def _no_json(self, seen: str) -> Malformed:
        return Malformed(
            f"status {self.status}, {seen}",
            expected="a JSON document",
            where=self.url,
            remedy="Check that the address is the API's, and what answers there.",
        )


def _in_whole_characters(value: object) -> object:
    """The same with U+FFFD for halves of surrogate pairs, as cut emoji are: no text has them."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_in_whole_characters(each) for each in value]
    if isinstance(value, dict):
        pairs = value.items()
        return {_SURROGATE.sub("\ufffd", k): _in_whole_characters(each) for k, each in pairs}
    return value


def _no_number(name: str) -> Never:
    """NaN and Infinity, which Python's reader takes and RFC 8259 knows not."""
    raise ValueError(name)


class BoundedBody:
    """Collects a body while it is decoded, never holding more than ``limit`` bytes.

    Decompression is asked for no more than is still wanted, so that a small body that
    unpacks to gigabytes costs nothing.
    """

    def __init__(self, content_encoding: str, limit: int) -> None:
        self._limit = limit
        self._decoder = _decoder(content_encoding)
        self._data = bytearray()
        self.is_truncated = False

    def feed(self, chunk: bytes) -> bool:
        """Take a piece of the wire; False when no more is wanted. Raises ValueError."""
        wanted = self._limit + 1 - len(self._data)
        if self._decoder is None:
            self._data += chunk[:wanted]
        else:
            try:
                self._data += self._decoder.decompress(chunk, wanted)
            except zlib.error as error:
                raise ValueError(str(error)) from error
        if len(self._data) > self._limit:
            self.is_truncated = True
            del self._data[self._limit :]
        return not self.is_truncated

    def bytes(self) -> bytes:
        """What was collected."""
        return bytes(self._data)


def _decoder(content_encoding: str) -> zlib._Decompress | None:
    if content_encoding.strip().lower() in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(wbits=47)  # reads both headers, gzip's and zlib's
    return None
