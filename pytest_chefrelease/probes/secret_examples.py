"""Values in a release's own env files (``.env.example`` and its kin): public, so never secret."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.git_stream import git_stream
from pytest_chefrelease.probes.secret_stores.env_file import read_env

_NAME = re.compile(r"(?:^|/)(?:\.env[^/]*|[^/]*\.env(?:\.[^/]*)?|env\.(?:example|sample)[^/]*)$")
_SHORTEST = 6
_MAX_FILES = 100
_MAX_BYTES = 200_000
_MAX_PATHS = 200_000
_LIMIT_S = 10.0
_FILE_MODES = ("100644", "100755")


def read_examples(git: GitProbe, commit: str) -> dict[str, Collection[str]]:
    """The values in env files of a commit, by path. Raises ProbeErrors.

    The tree is read as a stream and not to its end where that is far: trees that hold
    themselves many times over unfold to more paths than there are atoms.
    """
    deadline = time.monotonic() + _LIMIT_S
    entries = list(islice(_env_files(git, commit, deadline), _MAX_FILES))
    usual = set(_of_usual_size(git, [blob for _, blob in entries], deadline))
    contents = git.blobs(usual)
    found: dict[str, Collection[str]] = {}
    for path, blob in entries:
        if blob in usual:
            pairs = read_env(contents[blob].decode("utf-8", errors="replace"))
            found[path] = frozenset(value for _, value in pairs if len(value) >= _SHORTEST)
    return found


def _env_files(git: GitProbe, commit: str, deadline: float) -> Iterator[tuple[str, str]]:
    """Path and blob of each env file among the first paths of the tree."""
    arguments = ("ls-tree", "-r", "-z", "--full-tree", commit)
    with git_stream(git.repository, *arguments, deadline=deadline) as listed:
        for record in islice(listed.records(b"\0"), _MAX_PATHS):
            head, _, path = record.decode(errors="surrogateescape").partition("\t")
            mode, _, blob = head.split()
            if mode in _FILE_MODES and _NAME.search(path):
                yield path, blob


def _of_usual_size(git: GitProbe, blobs: Sequence[str], deadline: float) -> Iterator[str]:
    given = "".join(f"{blob}\n" for blob in blobs).encode()
    arguments = ("cat-file", "--batch-check=%(objectname) %(objectsize)")
    with git_stream(git.repository, *arguments, deadline=deadline, stdin=given) as listed:
        for record in listed.records(b"\n"):
            blob, _, size = record.decode(errors="replace").partition(" ")
            if size.isdigit() and int(size) <= _MAX_BYTES:
                yield blob
