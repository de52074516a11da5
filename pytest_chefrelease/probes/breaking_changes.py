"""Changes of a schema that the code before them does not survive, found by squawk.

Source: squawk's rules (2.70), of which only those count that take something away or demand
something new: they are the contract step of "expand and contract".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.squawk.script import ReadScript, Relation, Statement, read_scripts

_RULES = {
    "ban-drop-column": "drops a column",
    "ban-drop-table": "drops a table",
    "ban-drop-type": "drops a type",
    "ban-drop-view": "drops a view",
    "ban-drop-schema": "drops a schema",
    "ban-drop-database": "drops a database",
    "renaming-column": "renames a column",
    "renaming-table": "renames a table",
    "renaming-object": "renames an object",
    "changing-column-type": "changes a column's type",
    "adding-required-field": "adds a column that must be given",
    "adding-not-nullable-field": "demands a value for a column",
}


class BreakingChange(Struct, frozen=True):
    """A statement that older code does not survive: in which migration and line, and what."""

    migration: str
    line: int
    what: str
    statement: str


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
    Blocks. Raises MissingExtra without squawk, Malformed for what its parser does not read.
    """
    read = read_scripts(scripts)
    created = [made for script in read for made in script.created]
    found = [change for script in read for change in _changes(script, created)]
    return tuple(sorted(found, key=lambda change: (change.migration, change.line)))


def empties(statement: Statement) -> bool:
    """Whether a statement takes every row out of tables: TRUNCATE, or DELETE without WHERE."""
    if statement.kind == "DELETE":
        return not statement.node.has("WHERE_CLAUSE", "USING_CLAUSE")
    return statement.kind == "TRUNCATE"


def is_new(
    statement: Statement, relations: Iterable[Relation], created: Iterable[Relation]
) -> bool:
    """Whether a statement is only about tables that were created by the scripts too."""
    about = tuple(relations)
    if statement.kind in ("ALTER_TABLE", "DELETE"):
        about = about[:1]
    return bool(about) and all(any(one.is_like(made) for made in created) for one in about)


def _changes(script: ReadScript, created: list[Relation]) -> Iterator[BreakingChange]:
    for found in script.found:
        what = _RULES.get(found.rule)
        if what is None or is_new(found.statement, found.relations, created):
            continue
        yield BreakingChange(script.name, found.line, what, found.statement.text)
    for statement in script.statements:
        if empties(statement) and not is_new(statement, statement.relations, created):
            yield BreakingChange(script.name, statement.line, "empties a table", statement.text)
