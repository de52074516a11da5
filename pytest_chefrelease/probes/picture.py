"""How many colours a small PNG has: a page of one colour shows nothing, whatever it holds.

Reads what a browser writes: 8 bits a channel, RGB or RGBA, not interlaced.
Source: Portable Network Graphics (Third Edition), W3C, sections 9 and 11.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from pytest_chefrelease.errors import Malformed

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 6: 4}


def count_colours(png: bytes) -> int:
    """The number of different colours in the picture. Raises Malformed."""
    try:
        width, channels, packed = _read(png)
        rows = _rows(zlib.decompress(packed), width * channels, channels)
        return len({row[i : i + 3] for row in rows for i in range(0, len(row), channels)})
    except (ValueError, KeyError, struct.error, zlib.error, IndexError) as error:
        raise Malformed(f"the browser's picture is no PNG that can be read ({error})") from None


def _read(png: bytes) -> tuple[int, int, bytes]:
    if not png.startswith(_SIGNATURE):
        raise ValueError("no PNG signature")
    chunks = list(_chunks(png))
    width, _, depth, kind, *_, interlace = struct.unpack(">IIBBBBB", dict(chunks)[b"IHDR"])
    if depth != 8 or interlace:
        raise ValueError(f"{depth} bits a channel, interlace {interlace}")
    return width, _CHANNELS[kind], b"".join(data for name, data in chunks if name == b"IDAT")


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _rows(data: bytes, length: int, channels: int) -> Iterator[bytes]:
    above = bytearray(length)
    for start in range(0, len(data), length + 1):
        above = _unfilter(data[start], data[start + 1 : start + 1 + length], above, channels)
        yield bytes(above)


def _unfilter(kind: int, line: bytes, above: bytearray, channels: int) -> bytearray:
    row = bytearray(line)
    for i in range(len(row)):
        left = row[i - channels] if i >= channels else 0
        corner = above[i - channels] if i >= channels else 0
        row[i] = (row[i] + _prediction(kind, left, above[i], corner)) & 0xFF
    return row


def _prediction(kind: int, left: int, up: int, corner: int) -> int:
    match kind:
        case 0:
            return 0
        case 1:
            return left
        case 2:
            return up
        case 3:
            return (left + up) // 2
        case 4:
            return min((left, up, corner), key=lambda value: abs(left + up - corner - value))
    raise ValueError(f"filter {kind}")
