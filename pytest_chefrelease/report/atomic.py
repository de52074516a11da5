"""Writes a report whole or not at all, so that a full disk leaves the older one readable."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def write_atomically(path: Path, content: str | bytes | Iterable[bytes]) -> None:
    """Replace ``path`` by ``content`` (text as UTF-8) in one step, and make it durable.

    ``content`` may come in parts, so that a long one is never in memory whole. It goes into a
    temporary file of the same directory, which is created where it is missing. Lone
    surrogates, which no UTF-8 file can hold, become question marks. Raises OSError where the
    directory cannot be written or the disk is full; ``path`` is then as it was before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(_parts(content))
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(_mode_of(path))
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def _parts(content: str | bytes | Iterable[bytes]) -> Iterable[bytes]:
    if isinstance(content, str):
        return (content.encode(errors="replace"),)
    return (content,) if isinstance(content, bytes) else content


def _mode_of(path: Path) -> int:
    """The permissions of the file that is replaced, or those that a new file would get."""
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
