"""A commit checked out into a temporary folder, without touching the repository it is from.

The folder is a repository of its own that borrows the objects (``objects/info/alternates``): a
command finds ``.git`` with commit and tags there, and nothing of the original's configuration,
hooks or ignored files. Submodules and git-lfs content are not filled in.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.git_program import run_git

_LIMIT_S = 120.0
_NO_DOWNLOAD = {"GIT_LFS_SKIP_SMUDGE": "1"}


@contextmanager
def clean_checkout(git: GitProbe, commit: str) -> Iterator[Path]:
    """The commit's files in a folder that is removed afterwards. Blocks. Raises ProbeErrors."""
    with tempfile.TemporaryDirectory(
        prefix="chefrelease-", ignore_cleanup_errors=True
    ) as temporary:
        folder = Path(temporary) / git.top_level().name
        folder.mkdir()
        kind = _line(git.repository, "rev-parse", "--show-object-format")
        run_git(folder, "init", "--quiet", "--template=", f"--object-format={kind}")
        _borrow(git, folder / ".git")
        run_git(
            folder,
            *("checkout", "--quiet", "--force", "--detach", commit),
            timeout_s=_LIMIT_S,
            variables=_NO_DOWNLOAD,
        )
        yield folder


def _borrow(git: GitProbe, own: Path) -> None:
    """Let a new repository see the objects, the tags and where history was cut off."""
    there = git.repository
    objects = (there / _line(there, "rev-parse", "--git-path", "objects")).resolve()
    (own / "objects/info").mkdir(parents=True, exist_ok=True)
    (own / "objects/info/alternates").write_text(f"{objects}\n", encoding="utf-8")
    tags = run_git(there, "for-each-ref", "--format=%(objectname) %(refname)", "refs/tags")
    (own / "packed-refs").write_bytes(tags)
    shallow = there / _line(there, "rev-parse", "--git-path", "shallow")
    if shallow.is_file():
        shutil.copyfile(shallow, own / "shallow")


def _line(repository: Path, *arguments: str) -> str:
    return run_git(repository, *arguments).decode(errors="surrogateescape").strip()
