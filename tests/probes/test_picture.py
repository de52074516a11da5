"""Counting the colours of a PNG, by every filter that the format knows."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.probes.picture import count_colours

COLOURS = st.sampled_from([(0, 0, 0), (255, 255, 255), (254, 255, 255), (12, 200, 7)])


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def paeth(left: int, up: int, corner: int) -> int:
    """As section 9.4 of the standard spells it out."""
    guess = left + up - corner
    by_left, by_up, by_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
    if by_left <= by_up and by_left <= by_corner:
        return left
    return up if by_up <= by_corner else corner


def filtered(kind: int, row: bytes, above: bytes, channels: int) -> bytes:
    line = bytearray([kind])
    for i, value in enumerate(row):
        left = row[i - channels] if i >= channels else 0
        corner = above[i - channels] if i >= channels else 0
        guess = (0, left, above[i], (left + above[i]) // 2, paeth(left, above[i], corner))[kind]
        line.append((value - guess) % 256)
    return bytes(line)


def png(rows: list[list[tuple[int, int, int]]], filters: list[int], *, alpha: bool) -> bytes:
    channels = 4 if alpha else 3
    above, packed = bytes(len(rows[0]) * channels), b""
    for row, kind in zip(rows, filters, strict=True):
        raw = b"".join(bytes([*pixel, *([255] * alpha)]) for pixel in row)
        packed += filtered(kind, raw, above, channels)
        above = raw
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 6 if alpha else 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(packed)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@given(
    rows=st.lists(st.lists(COLOURS, min_size=5, max_size=5), min_size=4, max_size=4),
    filters=st.lists(st.integers(0, 4), min_size=4, max_size=4),
    alpha=st.booleans(),
)
def test_colours_are_counted_whatever_the_filters(
    rows: list[list[tuple[int, int, int]]], filters: list[int], *, alpha: bool
) -> None:
    picture = png(rows, filters, alpha=alpha)

    assert count_colours(picture) == len({pixel for row in rows for pixel in row})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        png([[(0, 0, 0)]], [0], alpha=False)[:40],
        png([[(0, 0, 0)]], [0], alpha=False).replace(b"\x08\x02", b"\x10\x02"),
    ],
)
def test_what_is_no_such_picture_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed, match="no PNG"):
        count_colours(data)
