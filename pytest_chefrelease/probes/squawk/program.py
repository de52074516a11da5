"""Runs squawk. The library comes in here (squawk-cli 2.70: a program beside Python's own)."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from pytest_chefrelease.errors import Malformed, MissingExtra, NoAnswer

_LIMIT_S = 30.0
_MOST_BYTES = 5_000_000
"""The parser's tree takes some twenty times a script's size."""
_IGNORE = re.compile(r"squawk-ignore", re.IGNORECASE)


class Find(msgspec.Struct, frozen=True):
    """What a rule found, and where: line and column (in bytes) count from 0."""

    file: str
    line: int
    column: int
    rule_name: str
    message: str = ""
    help: str | None = None


class Run(Struct, frozen=True):
    """A script as squawk read it (UTF-8), its parser's tree as text, and the linter's finds."""

    script: bytes
    tree: str
    finds: tuple[Find, ...]


def run(scripts: Mapping[str, bytes]) -> dict[str, Run]:
    """Lint and parse scripts, by name. Blocks.

    A comment in a script cannot switch a rule off. Raises MissingExtra without squawk, and
    NoAnswer for what is too large.
    """
    if not scripts:
        return {}
    program = _program()
    for name, script in scripts.items():
        if len(script) > _MOST_BYTES:
            raise NoAnswer(
                f"{name} is too large to be read ({len(script) / 1e6:.0f} MB)",
                expected=f"at most {_MOST_BYTES / 1e6:.0f} MB",
                remedy="Look at it by hand; data belongs into a script of its own.",
            )
    texts = {name: _readable(script) for name, script in scripts.items()}
    with tempfile.TemporaryDirectory(prefix="chefrelease-") as folder:
        files = {f"{number}.sql": name for number, name in enumerate(texts)}
        for file, name in files.items():
            Path(folder, file).write_bytes(texts[name])
        finds = _finds(_output([program, "--reporter", "json", *files], folder))
        trees = _trees(_output([program, "--debug=parse", *files], folder))
    if [_length(tree) for tree in trees] != [len(texts[name]) for name in files.values()]:
        raise Malformed("squawk's parser gave no tree for one of the migrations")
    return {
        name: Run(texts[name], tree, tuple(find for find in finds if Path(find.file).name == file))
        for (file, name), tree in zip(files.items(), trees, strict=True)
    }


def _readable(script: bytes) -> bytes:
    """What squawk accepts: UTF-8, with nothing in it that it would heed."""
    text = script.decode(errors="replace")
    return _IGNORE.sub("squawk-heeded", text).encode()  # of the same length: places stay right


def _output(command: list[str], folder: str) -> bytes:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"squawk did not end in {_LIMIT_S:g} s") from None
    if not done.stdout:
        said = done.stderr.decode(errors="replace").strip()[:200]
        raise Malformed(f"squawk gave no result: {said}")
    return done.stdout


def _finds(output: bytes) -> list[Find]:
    try:
        return msgspec.json.decode(output, type=list[Find])
    except msgspec.DecodeError:
        raise Malformed("squawk's finds are not in the form that its 2.x gives") from None


def _trees(output: bytes) -> list[str]:
    """The trees in the order of the files; each begins with its root."""
    text = "\n" + output.decode(errors="replace")
    return [f"SOURCE_FILE@{part}" for part in text.split("\nSOURCE_FILE@")[1:]]


def _length(tree: str) -> int:
    head = tree.partition("\n")[0].rpartition("..")[2]
    return int(head) if head.isdecimal() else -1


def _program() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "squawk"
    program = str(beside) if beside.exists() else shutil.which("squawk")
    if program is None:
        raise MissingExtra(
            "squawk, which reads migrations, is not installed",
            remedy="pip install 'pytest-chefrelease[lint]'",
        )
    return program
