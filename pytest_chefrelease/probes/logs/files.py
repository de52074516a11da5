"""Log files by a glob, followed while they grow, rotate, are truncated and compressed."""

from __future__ import annotations

import asyncio
import glob
import os
from dataclasses import dataclass, field
from hashlib import sha256
from typing import BinaryIO, ClassVar

from msgspec import Struct

from pytest_chefrelease.errors import Unreachable
from pytest_chefrelease.probes.logs.cutter import CHUNK, Cutter
from pytest_chefrelease.probes.logs.pieces import Piece, is_archive, open_log, refused
from pytest_chefrelease.probes.logs.scan import Scanner
from pytest_chefrelease.probes.logs.seek import offset_of
from pytest_chefrelease.probes.logs.sharing import scan
from pytest_chefrelease.probes.logs.source import LogReading, Window
from pytest_chefrelease.runbook.log_tally import Tally

_MARK_BYTES = 512
_CLOCK_SLACK_S = 60.0
_Identity = tuple[int, int]


class FileSource(Struct, frozen=True):
    """Files that a glob names; ``pattern`` is absolute."""

    every_s: ClassVar[float] = 0.5
    pattern: str

    @property
    def place(self) -> str:
        """The glob."""
        return self.pattern

    def reading(self, window: Window) -> LogReading:
        """Read what the files hold of a window, and follow them."""
        return FileReading(self.pattern, window)


@dataclass(slots=True)
class _Followed:
    """A file that is open and read up to ``offset``; ``mark`` tells it from others."""

    path: str
    file: BinaryIO
    offset: int
    mark: bytes
    scanner: Scanner
    cutter: Cutter = field(default_factory=Cutter)

    def read_on(self, tally: Tally) -> bool:
        """Take in what has been added, and say whether anything was.

        A file that was truncated begins anew.
        """
        self.scanner.tally = tally
        if os.fstat(self.file.fileno()).st_size < self.offset:
            self.offset, self.cutter, self.mark = 0, Cutter(), b""
        began, before = self.offset, self.cutter.oversized
        self.file.seek(self.offset)
        while chunk := self.file.read(CHUNK):
            self.offset += len(chunk)
            block = self.cutter.cut(chunk)
            if block:
                self.scanner.feed(block)
        if not self.mark:
            self.mark = _mark_of(self.file)
        self.scanner.skipped(self.cutter.oversized - before)
        self.scanner.fold()
        return self.offset > began


@dataclass(slots=True)
class FileReading:
    """What files hold of a window.

    A file keeps being read when it is renamed; a copy of what was read (by ``copytruncate``,
    or by compressing a rotated file) goes on where that ended.
    """

    pattern: str
    window: Window
    tally: Tally = field(default_factory=Tally)
    _open: dict[_Identity, _Followed] = field(default_factory=dict)
    _done: set[_Identity] = field(default_factory=set)
    _read: dict[bytes, int] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def advance(self) -> Tally:
        """All that the window holds by now. Raises Unreachable where no file is there."""
        async with self._turn:
            # Read apart and added here, so that whoever looks at the tally sees it whole.
            self.tally.add(await asyncio.to_thread(self._read_on))
        return self.tally

    async def close(self) -> None:
        """Close all files."""
        for followed in self._open.values():
            followed.file.close()
        self._open.clear()

    def _read_on(self) -> Tally:
        listed = self._listed()
        fresh = Tally()
        for identity, followed in list(self._open.items()):
            has_grown = followed.read_on(fresh)
            if followed.mark:
                self._read[followed.mark] = followed.offset - followed.cutter.pending
            if identity not in listed and not has_grown:
                # A logger writes to a renamed file until it is told to open a new one.
                followed.file.close()
                del self._open[identity]
        known = self._open.keys() | self._done
        pieces = [
            self._begin(identity, path)
            for identity, path in listed.items()
            if identity not in known
        ]
        fresh.add(scan([piece for piece in pieces if piece is not None], self.window))
        return fresh

    def _listed(self) -> dict[_Identity, str]:
        paths = sorted(glob.glob(self.pattern, recursive=True))  # noqa: PTH207 (absolute, may hold **)
        found: dict[_Identity, str] = {}
        for path in paths:
            try:
                seen = os.stat(path)  # noqa: PTH116 (its numbers are what is wanted)
            except FileNotFoundError:
                continue  # rotated away since the glob saw it
            except OSError as error:
                raise refused(path, error) from None
            is_old = seen.st_mtime + _CLOCK_SLACK_S < self.window.start_ms / 1000
            identity = (seen.st_dev, seen.st_ino)
            if not is_old or identity in self._open:
                found.setdefault(identity, path)
        if not paths:
            raise Unreachable(
                "there is no such log file",
                where=self.pattern,
                remedy="Correct logs.source, or run where the logs are.",
            )
        return found

    def _begin(self, identity: _Identity, path: str) -> Piece | None:
        """What of a new file is to be read; one that can grow is followed from there on."""
        file = open_log(path)
        mark = _mark_of(file)
        known = self._read.get(mark, 0) if mark else 0
        if is_archive(path):
            file.close()
            self._done.add(identity)
            return Piece(path, known, None)
        size = os.fstat(file.fileno()).st_size
        start = known if 0 < known <= size else offset_of(file, self.window.start_ms, size)
        end = _last_line_end(file, start, size)
        self._open[identity] = _Followed(path, file, end, mark, Scanner(Tally(), self.window))
        if mark:
            self._read[mark] = end
        return Piece(path, start, end)


def _mark_of(file: BinaryIO) -> bytes:
    """What tells a file's content from another's: its beginning; empty while that is short."""
    try:
        file.seek(0)
        head = file.read(_MARK_BYTES)
    except (EOFError, OSError):
        return b""  # a damaged archive: reading it tells
    return sha256(head).digest() if len(head) == _MARK_BYTES else b""


def _last_line_end(file: BinaryIO, start: int, size: int) -> int:
    """Where the last whole line ends: a line that is still being written is left for later."""
    end = size
    while end > start:
        begin = max(start, end - CHUNK)
        file.seek(begin)
        place = file.read(end - begin).rfind(b"\n")
        if place >= 0:
            return begin + place + 1
        end = begin
    return start
