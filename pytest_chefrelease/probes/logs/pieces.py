"""Stretches of log files, read by this process or by several that share the work."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from pytest_chefrelease.errors import AccessDenied, MissingExtra, NoAnswer, ProbeError, Unreachable
from pytest_chefrelease.probes.logs.cutter import CHUNK, Cutter
from pytest_chefrelease.probes.logs.scan import Scanner
from pytest_chefrelease.probes.logs.seek import next_line
from pytest_chefrelease.probes.logs.source import Window
from pytest_chefrelease.runbook.log_tally import Tally

WORTH_SHARING = 64_000_000
"""Bytes from which starting further processes pays (each takes about 0.15 s)."""
_MOST_WORKERS = 8
_TIME_LIMIT_S = 600.0
_ARCHIVES = (".gz", ".zst", ".zstd")


class Piece(msgspec.Struct, frozen=True):
    """Bytes ``start`` to ``end`` of a file; of an archive, of what it unpacks to (None: all)."""

    path: str
    start: int
    end: int | None


class Job(msgspec.Struct, frozen=True):
    """What a worker reads: pieces, and the window in milliseconds since 1970."""

    pieces: list[Piece]
    start_ms: int
    end_ms: int


def is_archive(path: str) -> bool:
    """Whether a file is compressed, by its name."""
    return path.endswith(_ARCHIVES)


def open_log(path: str) -> BinaryIO:
    """Open a log, unpacking an archive. Raises a ProbeError."""
    try:
        if path.endswith(".gz"):
            return cast("BinaryIO", gzip.open(path, "rb"))
        if is_archive(path):
            return _open_zstd(path)
        return Path(path).open("rb")
    except OSError as error:
        raise refused(path, error) from None


def refused(path: str, error: OSError) -> ProbeError:
    """What an error of the file system means."""
    kind = AccessDenied if isinstance(error, PermissionError) else Unreachable
    return kind(
        f"the log cannot be read: {(error.strerror or type(error).__name__).lower()}",
        where=path,
        remedy="Let the user that runs pytest read it, or correct logs.source.",
    )


def _open_zstd(path: str) -> BinaryIO:
    try:
        import zstandard
    except ImportError:
        raise MissingExtra(
            "zstandard is not installed, which reads zstd archives",
            where=path,
            remedy="pip install pytest-chefrelease[logs]",
        ) from None
    return cast("BinaryIO", zstandard.open(path, "rb"))


def scan_piece(piece: Piece, window: Window, tally: Tally) -> None:
    """Add a piece to a tally. A file that ends early, or unpacks no further, ends there."""
    scanner, cutter = Scanner(tally, window), Cutter()
    with open_log(piece.path) as file:
        for chunk in _chunks(file, piece, tally):
            block = cutter.cut(chunk)
            if block:
                scanner.feed(block)
            if scanner.is_past and not is_archive(piece.path):
                break
        else:
            if is_archive(piece.path):
                scanner.feed(cutter.last())
    scanner.skipped(cutter.oversized)
    scanner.fold()


def _chunks(file: BinaryIO, piece: Piece, tally: Tally) -> Iterator[bytes]:
    try:
        file.seek(piece.start)
        left = sys.maxsize if piece.end is None else piece.end - piece.start
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile):
        tally.unreadable += 1  # an archive that was cut off, or is damaged from here on
    except OSError as error:
        raise refused(piece.path, error) from None
    except Exception as error:
        if type(error).__name__ != "ZstdError":
            raise
        tally.unreadable += 1


def scan(pieces: Sequence[Piece], window: Window) -> Tally:
    """The tally of all pieces: shared among processes where that pays. Blocks meanwhile."""
    shares = share_out(pieces, min(os.cpu_count() or 1, _MOST_WORKERS))
    tally = Tally()
    if len(shares) == 1:
        for piece in shares[0]:
            scan_piece(piece, window, tally)
        return tally
    with ThreadPoolExecutor(len(shares)) as waiting:
        for part in waiting.map(lambda share: _by_worker(share, window), shares):
            tally.add(part)
    return tally


def share_out(pieces: Sequence[Piece], workers: int) -> list[list[Piece]]:
    """Pieces for each worker, of about the same size; one list where sharing does not pay."""
    total = sum(_size(piece) for piece in pieces)
    if workers < 2 or total < WORTH_SHARING:
        return [list(pieces)]
    shares: list[list[Piece]] = [[] for _ in range(workers)]
    for piece in pieces:
        if is_archive(piece.path):
            min(shares, key=lambda share: sum(map(_size, share))).append(piece)
        else:
            for share, part in zip(shares, _cut(piece, workers), strict=True):
                share.append(part)
    return [share for share in shares if share]


def _size(piece: Piece) -> int:
    end = Path(piece.path).stat().st_size if piece.end is None else piece.end
    return max(0, end - piece.start)


def _cut(piece: Piece, count: int) -> list[Piece]:
    """A piece in parts, each of whole lines."""
    end = piece.start + _size(piece)
    with open_log(piece.path) as file:
        step = (end - piece.start) // count
        inner = [min(next_line(file, piece.start + step * n), end) for n in range(1, count)]
    edges = [piece.start, *inner, end]
    return [Piece(piece.path, a, b) for a, b in pairwise(edges)]


def _by_worker(pieces: list[Piece], window: Window) -> Tally:
    job = msgspec.msgpack.encode(Job(pieces, window.start_ms, window.end_ms))
    command = [sys.executable, "-m", "pytest_chefrelease.probes.logs.worker"]
    try:
        done = subprocess.run(
            command, input=job, capture_output=True, timeout=_TIME_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoAnswer(
            f"the logs were not read within {_TIME_LIMIT_S:.0f} s",
            where=pieces[0].path,
            remedy="Narrow logs.source, or logs.baseline.",
        ) from None
    if done.returncode:
        raise Unreachable(
            f"a process that reads logs ended: {done.stderr.decode(errors='replace')[-200:]}",
            where=pieces[0].path,
        )
    return msgspec.msgpack.decode(done.stdout, type=Tally)
