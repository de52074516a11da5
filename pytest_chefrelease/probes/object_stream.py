"""Searches the output of ``git cat-file --batch`` while it streams by, block by block.

The format is a line with id, type and size, then that many bytes and a line feed, again and
again (git help cat-file, BATCH OUTPUT). Objects may be longer than a block.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from msgspec import Struct

from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.probes.needles import BLOCK_BYTES, Hit, Mark, Needles

_LONGEST_HEADER = 200
_MOST_FINDS = 2_000
Fill = Callable[[memoryview], int]
"""Reads into a view; gives the number of bytes, 0 at the end."""


class ObjectFind(Struct, frozen=True):
    """A find in an object: ``offset`` is where it begins, in bytes from the object's start."""

    object_id: str
    kind: str
    offset: int
    mark: Mark


class _Span(Struct, frozen=True):
    """Where an object lies in the stream, in absolute bytes."""

    start: int
    end: int
    object_id: str
    kind: str


class ObjectStream:
    """One pass over a stream of objects."""

    def __init__(self, needles: Needles, block_bytes: int = BLOCK_BYTES) -> None:
        self._needles = needles
        self._carry = max(needles.longest, _LONGEST_HEADER)
        self._buffer = bytearray(self._carry + block_bytes)
        self._base = 0  # where the buffer begins in the stream
        self._next_header = 0
        self._spans: list[_Span] = []
        self._found: dict[tuple[str, Mark], ObjectFind] = {}
        self.objects = 0
        self.size_bytes = 0

    def search(self, fill: Fill) -> tuple[ObjectFind, ...]:
        """Read all that ``fill`` gives; one find for each object and mark. Raises Malformed."""
        known = 0
        while True:
            length = self._read(fill, known)
            if length == known:
                break
            self._walk(length)
            for hit in self._needles.hits(self._buffer, length, known):
                self._keep(hit)
            known = self._shift(length)
        if self._next_header != self._base + known:
            raise Malformed("git's stream of objects ended in the middle of one")
        return tuple(self._found.values())

    def _read(self, fill: Fill, known: int) -> int:
        view = memoryview(self._buffer)
        length = known
        while length < len(view):
            count = fill(view[length:])
            if count == 0:
                break
            length += count
        self.size_bytes += length - known
        return length

    def _walk(self, length: int) -> None:
        """Note the objects that begin in the buffer."""
        end = self._base + length
        while self._next_header < end:
            at = self._next_header - self._base
            line_end = self._buffer.find(b"\n", at, min(length, at + _LONGEST_HEADER))
            if line_end < 0:
                if length - at >= _LONGEST_HEADER:
                    raise Malformed("git's stream of objects cannot be followed")
                return  # the line goes on in the next block
            self._begin(bytes(self._buffer[at:line_end]), self._base + line_end + 1)

    def _begin(self, header: bytes, start: int) -> None:
        parts = header.decode(errors="replace").split(" ")
        if len(parts) != 3 or not parts[2].isdigit():
            raise Malformed(f"git lacks an object of the release: {header[:100]!r}")
        end = start + int(parts[2])
        self._spans.append(_Span(start, end, parts[0], parts[1]))
        self._next_header = end + 1
        self.objects += 1

    def _keep(self, hit: Hit) -> None:
        absolute = self._base + hit.offset
        index = bisect_right(self._spans, absolute, key=lambda span: span.start) - 1
        span = self._spans[index] if index >= 0 else None
        if span is None or absolute + hit.length > span.end or len(self._found) >= _MOST_FINDS:
            return
        find = ObjectFind(span.object_id, span.kind, absolute - span.start, hit.mark)
        key = (span.object_id, hit.mark)
        if key not in self._found or find.offset < self._found[key].offset:
            self._found[key] = find

    def _shift(self, length: int) -> int:
        """Carry the end of the buffer over; gives how many bytes are there already."""
        keep = min(self._carry, length)
        self._buffer[:keep] = self._buffer[length - keep : length]
        self._base += length - keep
        self._spans = [span for span in self._spans if span.end >= self._base]
        return keep
