"""A migration's statements: their kinds, the relations that they name, and squawk's finds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping

from msgspec import Struct

from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.probes.squawk.program import Find, Run, run
from pytest_chefrelease.probes.squawk.tree import Node, parse

_NAMES = ("TABLE_NAME_REF", "RELATION_NAME_REF", "INDEX_REF", "VIEW_REF")
_CREATED = ("CREATE_TABLE", "CREATE_TABLE_AS", "CREATE_FOREIGN_TABLE", "SELECT_INTO")
_SEGMENTS = ("PATH_SEGMENT", "PATH_SEGMENT_REF")
_SHOWN_CHARS = 200


class Relation(Struct, frozen=True):
    """A table, index or view as a script names it; without a schema where it names none."""

    name: str
    schema: str | None = None

    def is_like(self, other: Relation) -> bool:
        """Whether both may be the same: a schema that is left out may be any."""
        fits = self.schema is None or other.schema is None or self.schema == other.schema
        return fits and self.name == other.name

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


class Statement(Struct, frozen=True):
    """One statement: ``line`` counts from 1, ``text`` is without comments, on one line.

    ``relations`` are those it names, in order; ``created`` the tables that it makes.
    """

    node: Node
    line: int
    text: str
    relations: tuple[Relation, ...]
    created: tuple[Relation, ...]

    @property
    def kind(self) -> str:
        """The parser's word for it: ``ALTER_TABLE``."""
        return self.node.kind


class Found(Struct, frozen=True):
    """A find of squawk's in one statement; ``line`` counts from 1.

    ``relations`` are those that the statement is about, and those that the found part names.
    """

    rule: str
    line: int
    statement: Statement
    relations: tuple[Relation, ...]


class ReadScript(Struct, frozen=True):
    """A migration as it was read."""

    name: str
    statements: tuple[Statement, ...]
    found: tuple[Found, ...]

    @property
    def created(self) -> tuple[Relation, ...]:
        """The tables that it makes."""
        return tuple(made for each in self.statements for made in each.created)


def read_scripts(scripts: Mapping[str, bytes]) -> tuple[ReadScript, ...]:
    """Migrations as squawk reads them, in the given order. Blocks.

    Raises MissingExtra, NoAnswer, and Malformed for a script that its parser does not
    understand: what it would find there is not known.
    """
    return tuple(_read(name, done) for name, done in run(scripts).items())


def _read(name: str, done: Run) -> ReadScript:
    starts = _line_starts(done.script)
    for find in done.finds:
        if find.rule_name == "syntax-error":
            raise Malformed(
                f"squawk's parser does not understand {name}, line {find.line + 1}: "
                f"{find.message[:100]}",
                remedy="Correct the statement, or look at the migration by hand.",
            )
    root = parse(done.tree)
    statements = tuple(
        _statement(node, done.script, starts)
        for node in root.parts
        if node.kind not in ("SEMICOLON", "EMPTY_STMT")
    )
    return ReadScript(name, statements, tuple(_found(done.finds, statements, done.script, starts)))


def _statement(node: Node, script: bytes, starts: list[int]) -> Statement:
    made = node.all("TABLE_NAME") if node.kind in _CREATED else []
    return Statement(
        node=node,
        line=_line(node.start, starts),
        text=_words(node, script)[:_SHOWN_CHARS],
        relations=_relations(node, script),
        created=tuple(_relation(each, script) for each in made),
    )


def _found(
    finds: tuple[Find, ...], statements: tuple[Statement, ...], script: bytes, starts: list[int]
) -> Iterator[Found]:
    for find in finds:
        place = starts[find.line] + find.column
        for statement in statements:
            if statement.node.covers(place):
                yield Found(
                    find.rule_name, find.line + 1, statement, _about(statement, place, script)
                )


def _about(statement: Statement, place: int, script: bytes) -> tuple[Relation, ...]:
    """Of ALTER TABLE its table and what the found part refers to; of others all they name."""
    if statement.kind != "ALTER_TABLE":
        return statement.relations
    part = next((each for each in statement.node.parts if each.covers(place)), statement.node)
    named = _relations(part, script)
    return tuple(dict.fromkeys((*statement.relations[:1], *named)))


def _relations(node: Node, script: bytes) -> tuple[Relation, ...]:
    return tuple(dict.fromkeys(_relation(each, script) for each in node.all(*_NAMES)))


def _relation(node: Node, script: bytes) -> Relation:
    names = [_identifier(each, script) for each in node.all(*_SEGMENTS)]
    return Relation(names[-1] if names else "", names[-2] if len(names) > 1 else None)


def _identifier(node: Node, script: bytes) -> str:
    """A name as PostgreSQL keeps it: quoted as it is, else in small letters."""
    text = script[node.start : node.end].decode(errors="replace")
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()


def _words(node: Node, script: bytes) -> str:
    """A statement's text without comments and its semicolon, from the parser's own tokens."""
    leaves = [each for each in node.within() if not each.parts and each.kind != "SEMICOLON"]
    text, end = "", node.start
    for leaf in leaves:
        if leaf.end == leaf.start:
            continue
        text += " " if text and leaf.start > end else ""
        text += script[leaf.start : leaf.end].decode(errors="replace")
        end = leaf.end
        if len(text) > 2 * _SHOWN_CHARS:
            break
    return " ".join(text.split())


def _line_starts(script: bytes) -> list[int]:
    starts = [0]
    starts.extend(place + 1 for place, byte in enumerate(script) if byte == 0x0A)
    return starts


def _line(place: int, starts: list[int]) -> int:
    return bisect_right(starts, place)
