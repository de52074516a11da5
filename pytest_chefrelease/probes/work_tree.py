"""Looks for known values in the files of a work tree: what is tracked, and what could be added.

Ignored files are left out: an env file that git ignores is where a secret may stand. Links are
not followed, and devices and pipes not opened.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path

from msgspec import Struct

from pytest_chefrelease.errors import NoAnswer
from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.git_stream import git_stream
from pytest_chefrelease.probes.needles import BLOCK_BYTES, Mark, Needles

_MOST_FINDS = 2_000


class FileFind(Struct, frozen=True):
    """A find in a file of the work tree; ``line`` counts from 1, None in a file's name."""

    mark: Mark
    path: str
    line: int | None


class TreeSearch(Struct, frozen=True):
    """``files`` were searched, with ``size_bytes`` in all; ``unread`` could not be opened."""

    files: int
    size_bytes: int
    unread: int
    finds: tuple[FileFind, ...]


def search_work_tree(git: GitProbe, needles: Needles, *, limit_s: float) -> TreeSearch:
    """Search every file that git tracks or does not ignore. Blocks. Raises ProbeErrors."""
    deadline = time.monotonic() + limit_s
    top = git.top_level()
    files = size = unread = 0
    finds: list[FileFind] = []
    pass_ = _FilePass(needles, deadline, str(top))
    for path in _listed(top, deadline):
        shown = needles.cleaned(os.fsdecode(path))
        finds += [FileFind(hit.mark, shown, None) for hit in needles.hits(path, len(path))]
        try:
            descriptor = _open(top, path)
        except OSError:
            unread += 1
            continue
        if descriptor is None:
            continue
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            read, found = pass_.search(file)
        files, size = files + 1, size + read
        finds += [FileFind(mark, shown, line) for mark, line in found[: _MOST_FINDS - len(finds)]]
    return TreeSearch(files, size, unread, tuple(finds))


def _listed(top: Path, deadline: float) -> Iterator[bytes]:
    """The paths of tracked and of not ignored files, relative to the work tree."""
    arguments = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    with git_stream(top, *arguments, deadline=deadline) as listed:
        yield from listed.records(b"\0")


def _open(top: Path, path: bytes) -> int | None:
    """A descriptor of a regular file within the work tree; None for anything else."""
    whole = os.path.join(os.fsencode(top), path)  # noqa: PTH118 (a path of any bytes)
    root = os.path.realpath(os.fsencode(top))
    if not os.path.realpath(os.path.dirname(whole)).startswith(root):  # noqa: PTH120
        return None  # a directory of the release was replaced by a link that leads elsewhere
    try:
        descriptor = os.open(whole, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.EMLINK):
            return None
        raise
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


class _FilePass:
    """Searches one file after the other with one buffer."""

    def __init__(self, needles: Needles, deadline: float, where: str) -> None:
        self._needles = needles
        self._deadline = deadline
        self._where = where
        self._buffer = bytearray(needles.longest + BLOCK_BYTES)

    def search(self, file: RawIOBase) -> tuple[int, list[tuple[Mark, int]]]:
        """How many bytes the file has, and each mark that is in it with its first line."""
        buffer, known, lines, size = self._buffer, 0, 1, 0
        found: dict[Mark, int] = {}
        while count := file.readinto(memoryview(buffer)[known:]) or 0:
            length = known + count
            for hit in self._needles.hits(buffer, length, known):
                line = lines + buffer.count(b"\n", 0, hit.offset)
                found[hit.mark] = min(line, found.get(hit.mark, line))
            keep = min(self._needles.longest, length)
            lines += buffer.count(b"\n", 0, length - keep)
            buffer[:keep] = buffer[length - keep : length]
            known, size = keep, size + count
            self._check_time()
        return size, list(found.items())

    def _check_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise NoAnswer(
                "the work tree could not be searched within the time limit",
                where=self._where,
                remedy="Raise the item's timeout, or clean the work tree.",
            )
