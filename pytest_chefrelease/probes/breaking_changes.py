"""Changes of a schema that the code before them does not survive, found by squawk.

Source: squawk's rules (2.70), of which only those count that take something away or demand
something new: they are the contract step of "expand and contract". The library comes in here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pytest_chefrelease.errors import Malformed, MissingExtra, NoAnswer
from pytest_chefrelease.probes.git import GitProbe

_LIMIT_S = 30.0
_RULES = {
    "ban-drop-column": "drops a column",
    "ban-drop-table": "drops a table",
    "ban-drop-type": "drops a type",
    "ban-drop-view": "drops a view",
    "ban-drop-schema": "drops a schema",
    "ban-drop-database": "drops a database",
    "ban-truncate-cascade": "empties tables",
    "renaming-column": "renames a column",
    "renaming-table": "renames a table",
    "renaming-object": "renames an object",
    "changing-column-type": "changes a column's type",
    "adding-required-field": "adds a column that must be given",
    "adding-not-nullable-field": "demands a value for a column",
}
_IGNORE = re.compile(rb"squawk-ignore", re.IGNORECASE)
_NAME = r'(?:"?[\w$]+"?\.)?"?(?P<name>[\w$]+)"?'
_CREATED = re.compile(rf"\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}", re.IGNORECASE)
_ALTERED = re.compile(
    rf"\b(?:ALTER|DROP)\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?{_NAME}", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class BreakingChange:
    """A statement that older code does not survive: in which migration and line, and what."""

    migration: str
    line: int
    what: str
    statement: str


class _Find(msgspec.Struct):
    file: str
    line: int
    column: int
    rule_name: str


def new_scripts(git: GitProbe, older: str, newer: str, directory: str) -> dict[str, bytes]:
    """The migrations that one commit holds and an older one does not, by name. Blocks."""
    path = directory.strip("/")
    known = {entry.path for entry in git.files(older, path)}
    added = {
        entry.path[len(path) + 1 :].partition("/")[0]: entry.blob
        for entry in git.files(newer, path)
        if entry.path not in known and entry.path.endswith("/migration.sql")
    }
    contents = git.blobs(added.values())
    return {name: contents[blob] for name, blob in sorted(added.items())}


def breaking_changes(scripts: Mapping[str, bytes]) -> tuple[BreakingChange, ...]:
    """What in these migrations the code before them does not survive.

    A table that the scripts themselves create is new to that code, whatever is done to it.
    Blocks. Raises MissingExtra without squawk.
    """
    if not scripts:
        return ()
    texts = {name: script.decode(errors="replace") for name, script in scripts.items()}
    created = {found["name"] for text in texts.values() for found in _CREATED.finditer(text)}
    found = [
        change
        for name, finds in _lint(scripts).items()
        for change in _changes(name, texts[name], finds, created)
    ]
    return tuple(sorted(found, key=lambda change: (change.migration, change.line)))


def _changes(
    name: str, text: str, finds: list[_Find], created: set[str]
) -> Iterator[BreakingChange]:
    lines = text.splitlines(keepends=True)
    for find in finds:
        start = sum(map(len, lines[: find.line])) + find.column
        begin = text.rfind(";", 0, start) + 1
        end = text.find(";", start)
        statement = text[begin : end if end >= 0 else None]
        altered = _ALTERED.search(statement)
        if altered is not None and altered["name"] in created:
            continue
        without_comments = re.sub(r"--[^\n]*", "", statement)
        shown = " ".join(without_comments.split())[:200]
        yield BreakingChange(name, find.line + 1, _RULES[find.rule_name], shown)


def _lint(scripts: Mapping[str, bytes]) -> dict[str, list[_Find]]:
    """Squawk's finds by migration; a comment in a script cannot switch a rule off."""
    program = _program()
    with tempfile.TemporaryDirectory(prefix="chefrelease-") as folder:
        named = {f"{number}.sql": name for number, name in enumerate(scripts)}
        for file, name in named.items():
            # The same length, so that places stay right.
            text = _IGNORE.sub(b"squawk-heeded", scripts[name])
            Path(folder, file).write_bytes(text)
        try:
            done = subprocess.run(
                [program, "--reporter", "json", *named],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NoAnswer(f"squawk did not end in {_LIMIT_S:g} s") from None
        try:
            finds = msgspec.json.decode(done.stdout, type=list[_Find])
        except msgspec.DecodeError:
            said = done.stderr.decode(errors="replace").strip()[-200:]
            raise Malformed(f"squawk gave no result: {said}") from None
    found: dict[str, list[_Find]] = {name: [] for name in scripts}
    for find in finds:
        if find.rule_name in _RULES:
            found[named[Path(find.file).name]].append(find)
    return found


def _program() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "squawk"
    program = str(beside) if beside.exists() else shutil.which("squawk")
    if program is None:
        raise MissingExtra(
            "squawk, which reads migrations, is not installed",
            remedy="pip install 'pytest-chefrelease[lint]'",
        )
    return program
