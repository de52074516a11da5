"""Stretches of log files, and how one is read."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from pytest_chefrelease.errors import AccessDenied, MissingExtra, ProbeError, Unreachable
from pytest_chefrelease.probes.logs.cutter import CHUNK, Cutter
from pytest_chefrelease.probes.logs.scan import Scanner
from pytest_chefrelease.probes.logs.source import Window
from pytest_chefrelease.runbook.log_tally import Tally

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
