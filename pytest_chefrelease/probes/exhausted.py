"""What this machine has run out of: no outside system is to blame for it, and none is judged."""

from __future__ import annotations

import errno
import os
import socket

from pytest_chefrelease.errors import Exhausted

_FILES = (
    "no more files and connections can be opened here",
    "Raise the limit (ulimit -n 4096) where pytest runs, and run it again.",
)
_DISK = ("the disk here is full", "Make room, for temporary files too (TMPDIR), and run it again.")
_LACKS = {
    errno.EMFILE: _FILES,
    errno.ENFILE: _FILES,
    errno.ENOSPC: _DISK,
    errno.EDQUOT: _DISK,
    errno.ENOMEM: ("there is no memory left here", "Run it where more memory is free."),
}


def exhausted(error: BaseException) -> Exhausted | None:
    """The lack that an exception of the system's stands for; None where it is none."""
    if isinstance(error, socket.gaierror):  # says "name not known" where no socket was to be had
        return None if descriptors_left() else _named(errno.EMFILE)
    if isinstance(error, OSError) and error.errno in _LACKS:
        return _named(error.errno)
    return None


def descriptors_left() -> bool:
    """Whether this process can open one more file."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return False
    return True


def _named(number: int) -> Exhausted:
    seen, remedy = _LACKS[number]
    return Exhausted(f"{seen} ({os.strerror(number)})", remedy=remedy)
