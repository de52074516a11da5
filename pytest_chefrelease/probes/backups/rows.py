"""Counts the rows of each table in SQL as pg_dump writes it, while it streams by.

Rows of COPY are lines, so a chunk is counted without looking at each; pg_dump's own comment
at the end tells that the text is whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TABLE = rb'(?P<table>(?:"(?:[^"]|"")+"|[^\s".(]+)(?:\.(?:"(?:[^"]|"")+"|[^\s".(]+))?)'
_COPY = re.compile(rb"COPY " + _TABLE + rb" .*FROM stdin;$")
_INSERT = re.compile(rb"INSERT INTO " + _TABLE)
_CREATE = re.compile(rb"CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?" + _TABLE)
_END = b"-- PostgreSQL database dump complete"
_PART = re.compile(r'"((?:[^"]|"")+)"|([^.]+)')
_OWN_COMMANDS = (b"\\connect ", b"\\restrict ", b"\\unrestrict ", b"\\.")


@dataclass(slots=True)
class RowCounter:
    """``tables`` are those that are created; ``rows`` counts by table what is filled in.

    ``inserted`` are tables whose rows come by INSERT: of those the statements are counted.
    ``is_whole`` says that pg_dump's last line came by; ``commands`` are lines that psql would
    not send to the server but run itself.
    """

    tables: set[str] = field(default_factory=set)
    rows: dict[str, int] = field(default_factory=dict)
    inserted: set[str] = field(default_factory=set)
    commands: list[str] = field(default_factory=list)
    is_whole: bool = False
    _table: str | None = None
    _rest: bytes = b""

    def feed(self, chunk: bytes) -> None:
        """Take in the next part of the text."""
        data, position = self._rest + chunk, 0
        while position < len(data):
            step = self._rows if self._table is not None else self._line
            after = step(data, position)
            if after == position:
                break
            position = after
        self._rest = data[position:]

    def end(self) -> None:
        """There is no more: a last line without its end counts as one."""
        if self._table is None and self._rest:
            self.feed(b"\n")

    def _rows(self, data: bytes, position: int) -> int:
        """Count rows up to the end of the table or of the data; begins at a line's end."""
        table = self._table or ""
        end = data.find(b"\n\\.\n", position)
        if end >= 0:
            self.rows[table] += data.count(b"\n", position, end)
            self._table = None
            return end + 4
        last = data.rfind(b"\n", position)
        # What may still become the end mark is kept, so that no row is counted twice.
        self.rows[table] += data.count(b"\n", position, last)
        return last

    def _line(self, data: bytes, position: int) -> int:
        end = data.find(b"\n", position)
        if end < 0:
            return position
        line = data[position:end]
        if line.startswith(b"COPY ") and (found := _COPY.match(line)):
            self._table = table_name(found["table"])
            self.rows.setdefault(self._table, 0)
            return end
        self._note(line)
        return end + 1

    def _note(self, line: bytes) -> None:
        if line.startswith(b"INSERT INTO ") and (found := _INSERT.match(line)):
            table = table_name(found["table"])
            self.rows[table] = self.rows.get(table, 0) + 1
            self.inserted.add(table)
        elif line.startswith(b"CREATE ") and (found := _CREATE.match(line)):
            self.tables.add(table_name(found["table"]))
        elif line.startswith(_END):
            self.is_whole = True
        elif line.startswith(b"\\") and not line.startswith(_OWN_COMMANDS):
            self.commands.append(line[:80].decode(errors="replace"))


def table_name(text: bytes) -> str:
    """``public.orders`` of ``public."orders"``; a name without a schema is one of ``public``."""
    parts = [
        (quoted or bare).replace('""', '"')
        for quoted, bare in _PART.findall(text.decode(errors="replace"))
    ]
    return ".".join(parts) if len(parts) > 1 else f"public.{parts[0]}"
