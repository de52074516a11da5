"""Looks for known values through a repository's history: every object, in one stream of git.

All objects are streamed, in the order in which they are stored, while a second git walks the
release's history, its tags and notes: that tells whether every object of theirs is there, and
which finds belong to them. Nothing is checked out, and no filter, hook or diff program runs.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct
from msgspec.structs import replace

from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.git_program import GitFailed
from pytest_chefrelease.probes.git_stream import git_stream
from pytest_chefrelease.probes.needles import Mark, Needles
from pytest_chefrelease.probes.object_stream import ObjectFind, ObjectStream

_MOST_PLACED = 25
_LOCATE_S = 20.0
_LIST_HISTORY = ("rev-list", "--objects", "--missing=print", "--stdin")


class Place(Struct, frozen=True):
    """Where a value was found in the history.

    ``kind`` is git's: blob (a file), commit (a message), tag, tree (a file's name). ``commit``
    is the one that brought it in, ``path`` and ``line`` (from 1) are a file's; None where they
    do not apply or could not be found in time.
    """

    mark: Mark
    kind: str
    object_id: str
    commit: str | None = None
    path: str | None = None
    line: int | None = None


class HistorySearch(Struct, frozen=True):
    """``objects`` were searched, ``reachable`` of them belong to the release.

    ``outside`` counts finds in objects that do not: other branches, or what was cut off.
    """

    objects: int
    reachable: int
    size_bytes: int
    places: tuple[Place, ...]
    outside: int


def search_history(
    git: GitProbe, commit: str, needles: Needles, *, limit_s: float
) -> HistorySearch:
    """Search every object of the commit's history, of its tags, and of all notes.

    Blocks. Raises NotConfigured where the clone lacks a part of it, NoAnswer after ``limit_s``.
    """
    if git.is_shallow():
        raise git.needs_history()
    deadline = time.monotonic() + limit_s
    roots = _roots(git, commit)
    with ThreadPoolExecutor(1) as side:
        counting = side.submit(_count, git, roots, deadline)
        stream = ObjectStream(needles)
        with git_stream(
            git.repository,
            *("cat-file", "--batch-all-objects", "--unordered", "--batch"),
            deadline=deadline,
        ) as objects:
            finds = stream.search(objects.fill)
        reachable = counting.result()
    known = _paths(git, roots, {find.object_id for find in finds}, deadline) if finds else {}
    inside = [find for find in finds if find.object_id in known]
    return HistorySearch(
        objects=stream.objects,
        reachable=reachable,
        size_bytes=stream.size_bytes,
        places=tuple(_located(git, roots, inside, known, needles, deadline)),
        outside=len(finds) - len(inside),
    )


def _roots(git: GitProbe, commit: str) -> bytes:
    """The release's commit, the tags of its history, and all notes, one a line."""
    tags = [tag.object_id for tag in git.tags(merged_into=commit)]
    return "".join(f"{name}\n" for name in (commit, *tags, *git.notes())).encode()


def _count(git: GitProbe, roots: bytes, deadline: float) -> int:
    """How many objects belong to the roots. Raises NotConfigured where one is not here."""
    count = 0
    with git_stream(git.repository, *_LIST_HISTORY, deadline=deadline, stdin=roots) as listed:
        for line in listed.records(b"\n"):
            if line.startswith(b"?"):
                raise NotConfigured(
                    "the clone lacks objects of the release's history",
                    where=str(git.repository),
                    remedy="Clone it whole: git fetch --refetch --no-filter, or a new clone.",
                )
            count += 1
    return count


def _paths(git: GitProbe, roots: bytes, wanted: set[str], deadline: float) -> dict[str, str]:
    """The path of each wanted object that belongs to the roots; empty for commits and tags."""
    found: dict[str, str] = {}
    with git_stream(git.repository, *_LIST_HISTORY, deadline=deadline, stdin=roots) as listed:
        for line in listed.records(b"\n"):
            object_id, _, path = line.decode(errors="surrogateescape").partition(" ")
            if object_id in wanted:
                found.setdefault(object_id, path)
    return found


def _located(
    git: GitProbe,
    roots: bytes,
    finds: Sequence[ObjectFind],
    paths: dict[str, str],
    needles: Needles,
    deadline: float,
) -> list[Place]:
    """Commit, path and line of each find; of the first ones, where there are many."""
    places = []
    for number, find in enumerate(finds):
        place = Place(find.mark, find.kind, find.object_id)
        if find.kind == "commit":
            place = replace(place, commit=find.object_id)
        elif find.kind in ("blob", "tree"):
            path = needles.cleaned(paths[find.object_id])
            place = replace(place, path=path or None)
            if number < _MOST_PLACED:
                place = _in_history(git, roots, place, find, deadline)
        places.append(place)
    return places


def _in_history(
    git: GitProbe, roots: bytes, place: Place, find: ObjectFind, deadline: float
) -> Place:
    limit = min(deadline, time.monotonic() + _LOCATE_S)
    line = _line(git, find, limit) if find.kind == "blob" else None
    return replace(place, commit=_first_commit(git, roots, find.object_id, limit), line=line)


def _first_commit(git: GitProbe, roots: bytes, object_id: str, deadline: float) -> str | None:
    """The oldest commit that has the object; None where git cannot say."""
    oldest = None
    try:
        with git_stream(
            git.repository,
            *("log", "-m", "-t", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-patch"),
            *(f"--find-object={object_id}", "--format=%H", "--stdin"),
            deadline=deadline,
            stdin=roots,
        ) as commits:
            for line in commits.records(b"\n"):
                oldest = line.decode(errors="replace") or oldest
    except GitFailed:
        return None
    return oldest


def _line(git: GitProbe, find: ObjectFind, deadline: float) -> int:
    """The line, from 1, on which a find begins in its file."""
    lines, left = 1, find.offset
    buffer = bytearray(1024 * 1024)
    with git_stream(git.repository, "cat-file", "blob", find.object_id, deadline=deadline) as blob:
        while left > 0 and (count := blob.fill(memoryview(buffer))):
            lines += buffer.count(b"\n", 0, min(left, count))
            left -= count
    return lines
