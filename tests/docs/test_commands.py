"""Every command in the documents is one that exists, with those options and values."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from pytest_chefrelease.cli import chefrelease
from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.settings.load import load_settings
from pytest_chefrelease.settings.sources import CONFIG_OPTION, OPTIONS
from tests.docs.pages import PAGES, ROOT, Typed, fences, typed

LANGUAGES = {"sh", "toml", "python", "text"}
_OPTION = re.compile(r"(?<![\w-])(--?[A-Za-z][\w-]*)")
_MARKERS = {"prerelease", "postrelease", "monitoring"}


@cache
def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def options_of(*command: str) -> set[str]:
    return set(_OPTION.findall(output(*command)))


def of_chefrelease(words: tuple[str, ...]) -> str:
    name, *arguments = words
    command = chefrelease.commands.get(name)
    if command is None:
        return f"there is no chefrelease {name}"
    try:
        # A wrong option or choice is a usage error here, before anything is done.
        with command.make_context(name, [each for each in arguments if each != "--help"]):
            return ""
    except click.UsageError as error:
        said = error.format_message()
        # Files of an example are not here; prose names a command without its arguments.
        is_named = set(arguments) <= {"--help"} and said.startswith("Missing argument")
        return "" if said.endswith("does not exist.") or is_named else said


def of_pytest(words: tuple[str, ...]) -> str:
    known = options_of(sys.executable, "-m", "pytest", "--help")
    wrong = [word for word in words if word.startswith("-") and word.partition("=")[0] not in known]
    if wrong:
        return f"pytest has no {', '.join(wrong)}"
    if "-m" in words and words[words.index("-m") + 1] not in {*_MARKERS, "…"}:
        return "this is no stage"
    try:
        load_settings(ROOT / "docs", ours(words), {}, None)
    except SettingsError as error:
        return str(error)
    return ""


def ours(words: tuple[str, ...]) -> Mapping[str, object]:
    """The values of this project's options, as the plugin hands them to settings."""
    found: dict[str, object] = {}
    for option in OPTIONS:
        for place, word in enumerate(words):
            name, is_joined, value = word.partition("=")
            if name != option.name or option == CONFIG_OPTION:
                continue
            if option.metavar is None:
                found[option.dest] = True
                continue
            told = value if is_joined else words[place + 1]
            told = "http://localhost" if told == "URL" else told
            found[option.dest] = [told] if option.repeatable else told
    return found


def of_make(words: tuple[str, ...]) -> str:
    done = subprocess.run(
        ["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stderr if done.returncode else ""


def of_pip(words: tuple[str, ...]) -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {
        extra
        for word in words
        for extras in re.findall(rf"^{project['name']}\[(.*)\]$", word)
        for extra in extras.split(",")
    }
    unknown = wanted - set(project["optional-dependencies"])
    return f"no extras {unknown}" if unknown or words[0] not in ("install", "show") else ""


def of_python(words: tuple[str, ...]) -> str:
    if words[0] != "-m":
        return "" if (ROOT / words[0]).is_file() else f"there is no {words[0]}"
    module = words[1]
    if module == "benchmarks" and len(words) > 2 and words[2] != "NAME":
        module = f"benchmarks.{words[2]}"
    return "" if find_spec(module) else f"there is no module {module}"


def of_git(words: tuple[str, ...]) -> str:
    return (
        "" if words[0] in output("git", "--list-cmds=main").split() else "git has no such command"
    )


def of_locust(words: tuple[str, ...]) -> str:
    known = options_of(str(ROOT / ".venv" / "locust" / "bin" / "locust"), "--help")
    wrong = [word for word in words if word.startswith("-") and word.partition("=")[0] not in known]
    return f"locust has no {', '.join(wrong)}" if wrong else ""


PARSERS: dict[str, Callable[[tuple[str, ...]], str]] = {
    "chefrelease": of_chefrelease,
    "pytest": of_pytest,
    "make": of_make,
    "pip": of_pip,
    "python": of_python,
    "git": of_git,
    "locust": of_locust,
}


def wrong(command: Typed) -> str:
    """What is wrong with a command; empty where nothing is."""
    if command.program not in PARSERS:
        return f"no test knows the program {command.program}"
    return PARSERS[command.program](command.words)


def test_every_command_in_the_documents_exists_with_those_options() -> None:
    found = typed()

    assert {command.program for command in found} == set(PARSERS)
    told = [f"{each.page}: {each.text}: {why}" for each in found if (why := wrong(each))]
    assert told == []


@pytest.mark.parametrize(
    "text",
    [
        "chefrelease rehears",
        "chefrelease rehearse --no-such",
        "chefrelease incident P9",
        "pytest -m prelease",
        "pytest -m prerelease --release-shards 1/2",
        "pytest -m prerelease --release-shard 3/2",
        "pytest -m monitoring --watch=soon",
        "make rehearsel",
        "pip install pytest-chefrelease[brwser]",
        "python -m benchmarks flete",
        "git psuh",
        "locust --json-fil load",
        "curl http://localhost",
    ],
)
def test_a_command_that_is_stale_is_found(text: str) -> None:
    program, *words = text.split()
    assert wrong(Typed("a page", text, program, tuple(words))) != ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_says_what_it_is(page: Path) -> None:
    """A command in a block without a language would be read by no test."""
    assert {language for language, _ in fences(page)} <= LANGUAGES
    text = page.read_text(encoding="utf-8")
    assert text.count("```") == 2 * len(fences(page))
