"""Shares the reading of log files among processes, where that pays."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import msgspec

from pytest_chefrelease.errors import NoAnswer, Unreachable
from pytest_chefrelease.probes.logs.pieces import Job, Piece, is_archive, open_log, scan_piece
from pytest_chefrelease.probes.logs.seek import next_line
from pytest_chefrelease.probes.logs.source import Window
from pytest_chefrelease.runbook.log_tally import Tally

WORTH_SHARING = 64_000_000
"""Bytes from which starting further processes pays (each takes about 0.1 s)."""
_MOST_WORKERS = 8
_TIME_LIMIT_S = 600.0


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
