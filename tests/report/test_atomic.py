"""Reports are written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from pytest_chefrelease.report.atomic import write_atomically


def test_a_report_is_written_into_a_new_directory(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "today" / "prerelease.json"

    write_atomically(path, "größer\n")

    assert path.read_bytes() == "größer\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_line_ends_are_written_as_they_are(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.txt", "one\r\ntwo\n")

    assert (tmp_path / "a.txt").read_bytes() == b"one\r\ntwo\n"


def test_a_full_disk_leaves_the_older_report_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "prerelease.json"
    write_atomically(path, "older")
    monkeypatch.setattr(os, "fsync", disk_is_full)

    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, "newer" * 100_000)

    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def disk_is_full(_handle: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_the_permissions_of_an_older_report_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("older")
    path.chmod(0o640)

    write_atomically(path, "newer")

    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_report_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")

    write_atomically(tmp_path / "report", "x")

    assert (tmp_path / "report").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_text_that_utf8_cannot_hold_is_still_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.txt", "a\ud800b")

    assert (tmp_path / "a.txt").read_text() == "a?b"
