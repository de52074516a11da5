"""A running git whose output is read while it comes: in constant memory, and for a bounded time."""

from __future__ import annotations

import os
import select
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pytest_chefrelease.errors import NoAnswer
from pytest_chefrelease.probes.git_program import end_program, failure_of, start_git

_PIPE_BYTES = 1024 * 1024
_CONFIGURATION = {
    "core.commitGraph": "false",  # a false one would cut a history short that is really there
    "core.packedGitWindowSize": "16m",  # a large pack is not held in memory whole
    "core.packedGitLimit": "64m",
}
_VARIABLES = {"GIT_GRAFT_FILE": os.devnull, "GIT_CONFIG_COUNT": str(len(_CONFIGURATION))}
for _number, (_key, _value) in enumerate(_CONFIGURATION.items()):
    _VARIABLES |= {f"GIT_CONFIG_KEY_{_number}": _key, f"GIT_CONFIG_VALUE_{_number}": _value}


class GitStream:
    """The output of a git that runs, until ``deadline`` on the monotonic clock in seconds."""

    def __init__(self, output: int, deadline: float, where: str) -> None:
        self._output = output
        self._deadline = deadline
        self._where = where
        self.is_at_end = False

    def fill(self, view: memoryview) -> int:
        """Read into a view; the number of bytes, 0 at the end. Raises NoAnswer."""
        left = self._deadline - time.monotonic()
        if left <= 0 or not select.select([self._output], [], [], left)[0]:
            raise NoAnswer(
                "git has not given all objects within the time limit",
                where=self._where,
                remedy="Raise the item's timeout, or look for a slow disk.",
            )
        count = os.readv(self._output, [view])
        self.is_at_end = count == 0
        return count

    def records(self, separator: bytes) -> Iterator[bytes]:
        """The output split at a separator, piece by piece; a piece over 64 KiB is cut off."""
        rest, block = b"", bytearray(256 * 1024)
        while count := self.fill(memoryview(block)):
            *whole, rest = (rest + block[:count]).split(separator)
            yield from whole
            rest = rest[: 64 * 1024]
        if rest:
            yield rest


@contextmanager
def git_stream(
    repository: Path, *arguments: str, deadline: float, stdin: bytes = b""
) -> Iterator[GitStream]:
    """Run git and read what it gives. Whatever happens, it has ended when the block is left.

    Raises what ``run_git`` raises, also when git ends with an error after all was read.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write(stdin)
        given.seek(0)
        reading, writing = os.pipe()
        _widen(reading)
        try:
            process = start_git(
                repository, arguments, given.fileno(), writing, said.fileno(), _VARIABLES
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        stream = GitStream(reading, deadline, str(repository))
        try:
            yield stream
            if stream.is_at_end and process.wait(max(1.0, deadline - time.monotonic())):
                raise failure_of(repository, arguments[0], process.returncode, _start_of(said))
        finally:
            os.close(reading)
            if process.poll() is None:
                end_program(process)


def _start_of(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(4_000)


def _widen(pipe: int) -> None:
    """A wider pipe wakes both ends less often, where the system allows it (Linux)."""
    import fcntl

    set_size = getattr(fcntl, "F_SETPIPE_SZ", None)
    if set_size is not None:
        try:
            fcntl.fcntl(pipe, set_size, _PIPE_BYTES)
        except OSError:
            return  # beyond the user's share: the usual size does as well
