"""Finds where a time begins in a log of any size, by halving: a log grows in time's order."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import BinaryIO

from pytest_chefrelease.probes.logs.cutter import LONGEST_LINE
from pytest_chefrelease.probes.logs.parse import read_line

DISORDER_MS = 10_000
"""Several processes that write one file are this much out of order at most."""
_CLOSE_ENOUGH = 262_144
_FAR = 8_000_000


def offset_of(file: BinaryIO, start_ms: int, size: int) -> int:
    """The beginning of a line before which all lines are older than ``start_ms``.

    Where no line with a time is found on the way, more is read rather than less.
    """
    low, high = 0, size
    while high - low > _CLOSE_ENOUGH:
        middle = (low + high) // 2
        found = _next_dated(file, middle, high)
        if found is None or found[1] >= start_ms - DISORDER_MS:
            high = middle
        else:
            low = found[0]
    return low


def next_line(file: BinaryIO, offset: int) -> int:
    """Where the first line behind an offset begins."""
    file.seek(offset)
    while (piece := file.readline(LONGEST_LINE)) and not piece.endswith(b"\n"):
        pass
    return file.tell()


def _next_dated(file: BinaryIO, offset: int, end: int) -> tuple[int, int] | None:
    """The first line with a time that begins behind an offset: where it begins, and the time."""
    file.seek(offset)
    file.readline(LONGEST_LINE)  # the rest of a line that began before
    limit = min(end, offset + _FAR)
    while (place := file.tell()) < limit:
        raw = file.readline(LONGEST_LINE)
        if raw.startswith(b"\0"):
            # A hole, as a logger leaves that goes on behind a truncated file's old end.
            with suppress(OSError):
                place = os.lseek(file.fileno(), place, os.SEEK_DATA)
                limit = min(end, max(limit, place + _FAR))
            file.seek(max(place, file.tell() if place < offset else place))
            file.readline(LONGEST_LINE)
            continue
        line = read_line(raw) if raw.endswith(b"\n") else None
        if line is not None and line.time_ms:
            return place, line.time_ms
    return None
