"""What the documents say can be typed, works as it stands there."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.cli import chefrelease
from pytest_chefrelease.settings.load import validate
from pytest_chefrelease.settings.sources import CONFIG_OPTION, OPTIONS
from pytest_chefrelease.settings.unknown_items import unknown_items

ROOT = Path(__file__).parents[2]
PAGES = (*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)")
_OTHERS = {"-m", "-n", "-k", "-x", "--collect-only", "--help"}


def blocks(page: Path, language: str) -> list[str]:
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [text for name, text in found if name == language]


def commands(program: str) -> Iterator[list[str]]:
    """Every line of the pages' shell blocks that runs the program, without its own name."""
    for page in PAGES:
        for block in blocks(page, "sh"):
            for line in block.splitlines():
                words = shlex.split(line, comments=True)
                if words and Path(words[0]).name == program:
                    yield words[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_in_a_page_is_valid_and_speaks_of_items_that_exist(page: Path) -> None:
    for text in blocks(page, "toml"):
        settings = validate(tomllib.loads(text))
        assert unknown_items(settings, catalogue()) == [], text


def test_every_command_in_the_pages_is_one_with_those_options() -> None:
    typed = list(commands("chefrelease"))

    assert len(typed) > 10
    for name, *arguments in typed:
        command = chefrelease.commands[name]
        if "--help" not in arguments:
            # A wrong option or choice is a usage error here, before anything is done.
            assert command.make_context(name, arguments) is not None


def test_every_pytest_option_in_the_pages_is_ours_or_pytests() -> None:
    ours = {option.name for option in (*OPTIONS, CONFIG_OPTION)}
    typed = [word.partition("=")[0] for words in commands("pytest") for word in words]

    options = {word for word in typed if word.startswith("-")}
    assert options - ours - _OTHERS == set()
    assert "--release-shard" in options


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    links = [found[0] for found in _LINK.findall(page.read_text(encoding="utf-8"))]
    assert [link for link in links if not (page.parent / link).exists()] == []
