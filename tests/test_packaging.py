"""The wheel: what a user's `pip install` brings, and what it leaves out."""

from __future__ import annotations

import configparser
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.install.environment import build_wheel

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def files(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(files: dict[str, bytes], name: str) -> str:
    [text] = [data for path, data in files.items() if path.endswith(f".dist-info/{name}")]
    return text.decode()


def sources(folder: str) -> dict[str, bytes]:
    """The files below a folder of the checkout, pages and scripts too, by path from the root."""
    paths = [path for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    return {
        path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths if path.is_file()
    }


def test_the_wheel_ships_the_suite_as_it_stands_in_the_repository(files: dict[str, bytes]) -> None:
    prefix = "pytest_chefrelease/"
    shipped = {
        path.removeprefix(prefix): data
        for path, data in files.items()
        if path.startswith(f"{prefix}verifications/")
    }

    assert shipped == sources("verifications")
    assert shipped


def test_the_wheel_ships_every_file_of_the_package_and_its_types(files: dict[str, bytes]) -> None:
    package = sources("pytest_chefrelease")

    assert {path: files.get(path) for path in package} == package
    assert "pytest_chefrelease/py.typed" in files


def test_the_wheel_ships_nothing_but_the_package(files: dict[str, bytes]) -> None:
    roots = {path.split("/")[0] for path in files}

    assert {root for root in roots if not root.endswith(".dist-info")} == {"pytest_chefrelease"}
    assert [path for path in files if path.endswith(".pyc") or "__pycache__" in path] == []


def test_pytest_and_the_shell_find_their_entry_points(files: dict[str, bytes]) -> None:
    entries = configparser.ConfigParser()
    entries.read_string(metadata(files, "entry_points.txt"))

    assert dict(entries["pytest11"]) == {"chefrelease": "pytest_chefrelease.plugin"}
    assert dict(entries["console_scripts"]) == {"chefrelease": "pytest_chefrelease.cli:main"}


def test_the_extra_all_names_every_other_extra(files: dict[str, bytes]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    # load patches sockets and threads of its whole process: nobody gets it unasked.
    extras = project["optional-dependencies"].keys() - {"all", "load"}

    declared = Parser().parsestr(metadata(files, "METADATA")).get_all("Requires-Dist", [])
    in_all = [line for line in declared if "extra == 'all'" in line or 'extra == "all"' in line]

    assert len(in_all) == sum(len(project["optional-dependencies"][name]) for name in extras)


def test_a_wheel_built_twice_is_the_same_file(wheel: Path, tmp_path: Path) -> None:
    again = build_wheel(tmp_path)

    assert again.read_bytes() == wheel.read_bytes()
