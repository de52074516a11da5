"""The lines that a release adds: every version of every file since the previous release.

A file that was added and removed again in between is in the history that goes out, so its lines
count too. Lines that the previous release already had under the same path do not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.git_stream import git_stream

_MAX_FILE_BYTES = 5_000_000
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class AddedLine:
    """A line of a file, without its line feed; ``number`` counts from 1."""

    path: str
    number: int
    text: str = field(repr=False)


class Added(Struct, frozen=True):
    """What a release adds: ``files`` are versions of files, ``skipped`` those not looked at.

    ``binary`` files hold no lines; ``skipped`` names files over 5 MB.
    """

    lines: tuple[AddedLine, ...]
    files: int
    binary: int
    skipped: tuple[str, ...]


def read_added(git: GitProbe, commit: str, previous: str | None, *, limit_s: float) -> Added:
    """Read what ``commit`` adds to ``previous``, or all of its history where that is None.

    Blocks. Raises ProbeErrors: NotConfigured in a shallow clone, NoAnswer after ``limit_s``.
    """
    if git.is_shallow():
        raise git.needs_history()
    deadline = time.monotonic() + limit_s
    paths = dict(_new_objects(git, commit, previous, deadline))
    sizes = dict(_blob_sizes(git, tuple(paths), deadline))
    usual = [blob for blob, size in sizes.items() if size <= _MAX_FILE_BYTES]
    before = _before(git, previous, {paths[blob] for blob in usual}, deadline)
    lines: list[AddedLine] = []
    binary = 0
    for start in range(0, len(usual), _AT_ONCE):
        part = usual[start : start + _AT_ONCE]
        old = {path: before[path] for path in {paths[blob] for blob in part} if path in before}
        contents = git.blobs([*part, *old.values()])
        for blob in part:
            data = contents[blob]
            if b"\0" in data[:8_000]:
                binary += 1
                continue
            known = _lines(contents[old[paths[blob]]]) if paths[blob] in old else []
            lines += _added(paths[blob], _lines(data), frozenset(known))
    skipped = tuple(paths[blob] for blob, size in sizes.items() if size > _MAX_FILE_BYTES)
    return Added(tuple(lines), len(sizes), binary, skipped)


def _new_objects(
    git: GitProbe, commit: str, previous: str | None, deadline: float
) -> Iterator[tuple[str, str]]:
    """Id and path of each object that the release brings; the first path of each."""
    revisions = [commit] + ([f"^{previous}"] if previous else [])
    with git_stream(
        git.repository, "rev-list", "--objects", *revisions, deadline=deadline
    ) as listed:
        for record in listed.records(b"\n"):
            name, _, path = record.decode(errors="surrogateescape").partition(" ")
            if path:
                yield name, path


def _blob_sizes(
    git: GitProbe, objects: Sequence[str], deadline: float
) -> Iterator[tuple[str, int]]:
    given = "".join(f"{name}\n" for name in objects).encode()
    arguments = ("cat-file", "--batch-check=%(objecttype) %(objectname) %(objectsize)")
    with git_stream(git.repository, *arguments, deadline=deadline, stdin=given) as listed:
        for record in listed.records(b"\n"):
            kind, _, rest = record.decode(errors="replace").partition(" ")
            name, _, size = rest.partition(" ")
            if kind == "blob" and size.isdigit():
                yield name, int(size)


def _before(
    git: GitProbe, previous: str | None, paths: set[str], deadline: float
) -> dict[str, str]:
    """The blob that the previous release had under each of the paths."""
    if previous is None or not paths:
        return {}
    found: dict[str, str] = {}
    arguments = ("ls-tree", "-r", "-z", "--full-tree", previous)
    with git_stream(git.repository, *arguments, deadline=deadline) as listed:
        for record in listed.records(b"\0"):
            head, _, path = record.decode(errors="surrogateescape").partition("\t")
            mode, kind, blob = head.split()
            if path in paths and kind == "blob" and mode != "120000":
                found[path] = blob
    return {path: blob for path, blob in found.items() if _is_usual(git, blob, deadline)}


def _is_usual(git: GitProbe, blob: str, deadline: float) -> bool:
    return any(size <= _MAX_FILE_BYTES for _, size in _blob_sizes(git, (blob,), deadline))


def _lines(data: bytes) -> list[str]:
    return data.decode(errors="replace").split("\n")


def _added(path: str, lines: Sequence[str], known: frozenset[str]) -> Iterator[AddedLine]:
    for number, text in enumerate(lines, start=1):
        if text.strip() and text not in known:
            yield AddedLine(path, number, text)
