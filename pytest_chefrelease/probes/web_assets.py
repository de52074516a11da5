"""What a page and its scripts lead to: scripts, style sheets, chunks and source maps."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterator
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

_LINK_KINDS = {"stylesheet", "preload", "modulepreload", "prefetch", "manifest"}
_SOURCE_MAP = re.compile(r"[#@]\s*sourceMappingURL=([^\s'\"*]+)")
_CHUNK = re.compile(r"""["'`]([\w./@~()\[\]%-]{1,200}\.(?:js|mjs|css|json))["'`]""")
_NEXT = "/_next/"
_MAX_CHUNKS = 300


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value}
        if tag == "script" and "src" in given:
            self.found.append(given["src"] or "")
        elif tag == "link" and _LINK_KINDS & set((given.get("rel") or "").lower().split()):
            self.found.append(given.get("href") or "")


def links_of_page(url: str, text: str) -> list[str]:
    """The addresses of a page's scripts, style sheets and preloads."""
    parser = _Links()
    parser.feed(text)
    return [joined for link in parser.found if (joined := _join(url, link))]


def links_of_script(url: str, text: str) -> list[str]:
    """The source map and the chunks that a script names, and the map that may lie beside it."""
    found = [_join(url, link) for link in _SOURCE_MAP.findall(text) if not link.startswith("data:")]
    if urlsplit(url).path.endswith((".js", ".mjs", ".css")):
        found.append(url.partition("?")[0] + ".map")
    for chunk in _CHUNK.findall(text)[:_MAX_CHUNKS]:
        if chunk.startswith("static/"):
            found.append(_join(url, _NEXT + chunk))
        elif "/" in chunk or chunk.startswith("."):
            found.append(_join(url, chunk))
    return [link for link in found if link]


def inline_maps(text: str) -> Iterator[bytes]:
    """Source maps that are written into a script as data addresses, decoded."""
    for link in _SOURCE_MAP.findall(text):
        head, comma, data = link.partition(",")
        if not comma or not head.startswith("data:"):
            continue
        if not head.endswith(";base64"):
            yield unquote_to_bytes(data)
            continue
        try:
            yield base64.b64decode(data + "=" * (-len(data) % 4))
        except (ValueError, binascii.Error):
            continue


def of_origins(urls: Collection[str], origins: Collection[str]) -> list[str]:
    """The addresses that belong to one of the origins, each once, without their fragments."""
    own = {_origin(origin) for origin in origins}
    kept = dict.fromkeys(url.partition("#")[0] for url in urls if _origin(url) in own)
    return list(kept)


def _join(base: str, link: str) -> str:
    try:
        return urljoin(base, link.strip())
    except ValueError:
        return ""


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower()
