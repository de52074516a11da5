"""A process that reads its share of the logs: a job on standard input, a tally on output."""

from __future__ import annotations

import gc
import signal
import sys

import msgspec

from pytest_chefrelease.probes.logs.pieces import Job, scan_piece
from pytest_chefrelease.probes.logs.source import Window
from pytest_chefrelease.runbook.log_tally import Tally


def main() -> None:
    """Read, count, answer."""
    # Ctrl-C reaches the whole process group: it is the parent that decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What is made is counted and dropped at once: there are no cycles to look for.
    gc.disable()
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    tally = Tally()
    for piece in job.pieces:
        scan_piece(piece, Window(job.start_ms, job.end_ms), tally)
    sys.stdout.buffer.write(msgspec.msgpack.encode(tally))


if __name__ == "__main__":
    main()
