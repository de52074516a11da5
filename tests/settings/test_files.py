"""Which file is read, and what becomes of files that are not as they should be."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.settings.files import MAX_BYTES
from pytest_chefrelease.settings.load import load_settings
from tests.settings.writing import load, mistakes

VERSION = '[release]\nversion = "v1.5.0"\n'
TABLE = '[project]\nname = "x"\n\n[tool.chefrelease.release]\nversion = "v2"\n'


def refused(folder: Path, config: str | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(folder, {}, {}, config)
    return list(caught.value.mistakes)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    loaded = load_settings(tmp_path, {}, {})

    assert loaded.path is None
    assert loaded.settings.release.main_branch == "main"


@pytest.mark.parametrize(
    "data",
    [
        VERSION.encode(),
        b"\xef\xbb\xbf" + VERSION.encode(),
        VERSION.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + VERSION.replace("\n", "\r\n").encode(),
        VERSION.rstrip().encode(),
    ],
    ids=["plain", "byte order mark", "CRLF", "byte order mark and CRLF", "no last newline"],
)
def test_editors_ways_of_saving_are_read(tmp_path: Path, data: bytes) -> None:
    assert load(tmp_path, data).settings.release.version == "v1.5.0"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lines_count_the_same_however_the_file_was_saved(
    tmp_path: Path, newline: str, mark: str
) -> None:
    text = mark + newline.join(["# ü", "[release]", 'version = "v1"', "remot = 1", ""])

    (line,) = mistakes(tmp_path, text)

    assert line == 'release.toml:4: release.remot: unknown key; did you mean "remote"?'


def test_the_table_of_pyproject_is_read(tmp_path: Path) -> None:
    loaded = load(tmp_path, TABLE, name="pyproject.toml")

    assert loaded.settings.release.version == "v2"
    assert loaded.path == tmp_path / "pyproject.toml"


def test_release_toml_wins_over_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(TABLE)

    assert load(tmp_path, VERSION).settings.release.version == "v1.5.0"


@pytest.mark.parametrize("text", ['[project]\nname = "x"\n', "tool = 5\n", "[tool.other]\na = 1\n"])
def test_a_pyproject_without_our_table_is_no_settings_file(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text, name="pyproject.toml").path is None


def test_a_mistake_in_pyproject_names_its_line_and_whole_key(tmp_path: Path) -> None:
    text = '[project]\nname = "x"\n\n[tool.chefrelease.ci]\nrequired = 5\n'

    assert mistakes(tmp_path, text, name="pyproject.toml") == [
        (
            "pyproject.toml:5: tool.chefrelease.ci.required: is a whole number; "
            '"branch" or a list is allowed'
        )
    ]


def test_a_pyproject_entry_that_is_no_table_is_a_mistake(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "[tool]\nchefrelease = 5", name="pyproject.toml") == [
        "pyproject.toml:2: tool.chefrelease: is no table; one is allowed"
    ]


def test_a_named_pyproject_needs_our_table(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")

    assert refused(tmp_path, "pyproject.toml") == [
        "pyproject.toml: has no table [tool.chefrelease]; it is needed here"
    ]


def test_a_named_file_that_is_missing_is_a_mistake(tmp_path: Path) -> None:
    assert refused(tmp_path, "other.toml") == [
        "other.toml: no such file; --release-config names a TOML file"
    ]


BROKEN = {
    "[release]\nversion = v1.5.0\n": (
        '2: not TOML: invalid value; text stands in quotes, as in key = "text"'
    ),
    "[release\n": "1: not TOML: expected ']' at the end of a table declaration",
    'a = 1\nb = "x': "2: not TOML: unterminated string",
    "a = 1\na = 2\n": "2: not TOML: cannot overwrite a value",
    "[release]\n\n[release]\n": "3: not TOML: cannot declare ('release',) twice",
    "a = [1,\n2,\n": "2: not TOML: invalid value; text stands in quotes",
    "a\x00 = 1": "1: not TOML: expected '=' after a key in a key/value pair",
    "expires = 2026-02-30": "1: not TOML: invalid date or datetime",
}


@pytest.mark.parametrize(("text", "line"), BROKEN.items(), ids=BROKEN)
def test_broken_toml_is_one_line_with_its_place(tmp_path: Path, text: str, line: str) -> None:
    (found,) = mistakes(tmp_path, text)

    assert found.startswith(f"release.toml:{line}")


@pytest.mark.parametrize(
    "text",
    [f"a = {'1' * 5000}", f"a = {'[' * 20_000}", f"a = {'{a=' * 5_000}"],
    ids=["long number", "deep list", "deep table"],
)
def test_what_no_reader_can_read_is_one_line(tmp_path: Path, text: str) -> None:
    (found,) = mistakes(tmp_path, text)

    assert found.startswith("release.toml")


def test_a_thousand_dots_in_a_key_are_an_unknown_key(tmp_path: Path) -> None:
    found = mistakes(tmp_path, f"release.{'.'.join('a' * 1_000)} = 1")

    assert [line.partition(";")[0] for line in found] == ["release.toml:1: release.a: unknown key"]


@pytest.mark.parametrize(
    ("data", "line"), [(b"# \xff", 1), (b"a = 1\nb = '\xe9'", 2), ("a = 1".encode("utf-16"), 1)]
)
def test_another_encoding_is_named_with_its_line(tmp_path: Path, data: bytes, line: int) -> None:
    assert mistakes(tmp_path, data) == [
        f"release.toml:{line}: is not in UTF-8; TOML is always UTF-8"
    ]


def test_a_directory_is_no_settings_file(tmp_path: Path) -> None:
    (tmp_path / "release.toml").mkdir()

    assert refused(tmp_path) == ["release.toml: is a directory; a TOML file is allowed"]


def test_a_pipe_is_no_settings_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "release.toml")

    assert refused(tmp_path) == ["release.toml: is no regular file; a TOML file is allowed"]


def test_a_link_that_leads_nowhere_is_not_taken_for_no_file(tmp_path: Path) -> None:
    (tmp_path / "release.toml").symlink_to("gone.toml")

    assert refused(tmp_path) == ["release.toml: cannot be read: No such file or directory"]


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "kept.toml").write_text(VERSION)
    (tmp_path / "release.toml").symlink_to("kept.toml")

    assert load_settings(tmp_path, {}, {}).settings.release.version == "v1.5.0"


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "release.toml").open("wb") as file:
        file.truncate(50 * MAX_BYTES)

    assert refused(tmp_path) == [
        f"release.toml: is too large; at most {MAX_BYTES} bytes are allowed"
    ]


@contextmanager
def nobody() -> Iterator[None]:
    """Files are checked against the rights of an ordinary user, also where tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_is_a_mistake() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        file = Path(name) / "release.toml"
        file.write_text(VERSION)
        file.chmod(0)
        with nobody():
            found = refused(Path(name))

    assert found == ["release.toml: cannot be read: Permission denied"]
