"""What is known of a migration that failed, from its script and from what the database has."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.errors import ProbeError
from pytest_chefrelease.probes.backups.tables import read_tables
from pytest_chefrelease.probes.prisma import read_script_texts
from pytest_chefrelease.probes.scratch.statements import split
from pytest_chefrelease.probes.squawk.script import ReadScript, Relation, read_scripts
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.migration_assessment import Attempt, assess
from pytest_chefrelease.runbook.migration_history import Row

_CHANGING = (
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "TRUNCATE",
    "COPY",
    "DO",
    "CALL",
    "WITH",
    "SELECT",
)
"""First words of statements that may change or remove rows: SELECT by a function."""
_MOST_BYTES_CUT = 1_000_000
_MAY_COMMIT = re.compile(
    rb"(?:^|;)\s*(?:begin|start|commit|rollback|end|abort|savepoint|release)\b"
    rb"|\b(?:concurrently|atomic)\b",
    re.IGNORECASE | re.MULTILINE,
)
"""What a script that is too large to be cut must not hold anywhere to be one piece for sure."""
_HARMLESS_DROPS = ("INDEX", "VIEW", "FUNCTION", "PROCEDURE", "TRIGGER", "POLICY", "RULE")
_BY_ALTERING = (" DROP ", " TYPE ", " SET DATA ")


class _Script(Struct, frozen=True):
    """A script as far as it could be read: by squawk, where that is here.

    ``count`` is 0 where its statements were not counted.
    """

    count: int
    is_one_piece: bool
    read: ReadScript | None


async def with_assessment(look: Context, seen: Evidence, failed: Sequence[Row]) -> Evidence:
    """The evidence with the protocol's questions answered for the first that failed."""
    if not failed:
        return seen
    row = failed[0]
    told = assess(await _attempt(look, row))
    table = Table(f"Assessment of {row.name}", ("Question", "Answer"), tuple(told.items()))
    return replace(
        seen,
        facts={**seen.facts, "assessment": {**told}},
        attachments=(table, *seen.attachments),
    )


async def _attempt(look: Context, row: Row) -> Attempt:
    script = await asyncio.to_thread(_script_of, look, row.name)
    if script is None:
        return Attempt(row.logs)
    there, missing = await _tables(look, script.read.created if script.read else ())
    return Attempt(
        logs=row.logs,
        statements=script.count,
        is_one_piece=script.is_one_piece,
        changes=_changes(script.read) if script.read else None,
        there=there,
        missing=missing,
    )


def _script_of(look: Context, name: str) -> _Script | None:
    directory = look.settings.migrations.directory
    git, commit = look.probes.git, look.release.commit
    try:
        text = read_script_texts(git, commit, directory, [name]).get(name)
    except (ProbeError, OSError):
        return None
    if text is None:
        return None
    try:
        (read,) = read_scripts({name: text})
    except ProbeError:
        # Without squawk, and of very large scripts, the questions that need it stay open.
        return _cut(text, None)
    return _cut(text, read)


def _cut(script: bytes, read: ReadScript | None) -> _Script:
    if len(script) > _MOST_BYTES_CUT:
        return _Script(0, _MAY_COMMIT.search(script) is None, read)
    parts = split(script.decode(errors="replace"))
    # A script that cannot be cut commits by itself.
    is_one_piece = parts is not None and not any(_is_concurrent(each) for each in parts)
    return _Script(len(parts or ()), is_one_piece, read)


async def _tables(
    look: Context, made: Sequence[Relation]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of the tables that a script makes, those that are there now, and those that are not."""
    if not made:
        return (), ()
    try:
        async with look.probes.postgres(look.database_url).session() as session:
            known = {table.name for table in await read_tables(session)}
            schema = session.database.schema
    except ProbeError:
        return (), ()
    names = [str(each) if each.schema else f"{schema}.{each.name}" for each in made]
    there = tuple(name for name in names if name in known)
    return there, tuple(name for name in names if name not in known)


def _changes(read: ReadScript) -> tuple[str, ...]:
    return tuple(
        f"line {each.line}, {each.text[:60]}"
        for each in read.statements
        if _changes_rows(" ".join(each.text.upper().split()))
    )


def _changes_rows(text: str) -> bool:
    first, second = [*text.split(" ", 2), "", ""][:2]
    if first == "DROP":
        return second not in _HARMLESS_DROPS
    return first in _CHANGING or (first == "ALTER" and any(word in text for word in _BY_ALTERING))


def _is_concurrent(statement: str) -> bool:
    return "CONCURRENTLY" in statement.upper().split()
