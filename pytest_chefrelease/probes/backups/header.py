"""What an archive says of itself at its beginning: database, time, versions.

Source: PostgreSQL's pg_backup_archiver.c, ``ReadHead``, for archives of pg_dump 9.0 and newer.
The time is the clock on the wall of whoever ran pg_dump, without a zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

_OLDEST, _WITH_SPECIFICATION = (1, 10), (1, 15)


class Header(Struct, frozen=True):
    """``written_at`` has no time zone; versions are PostgreSQL's majors; None where not said."""

    database: str | None = None
    written_at: datetime | None = None
    server_major: int | None = None
    dump_major: int | None = None


@dataclass(slots=True)
class _Reader:
    """Reads the archive's own integers and texts."""

    data: bytes
    position: int
    width: int = 4
    stamps: list[int] = field(default_factory=list)

    def byte(self) -> int:
        value = self.data[self.position]
        self.position += 1
        return value

    def number(self) -> int:
        sign = self.byte()
        raw = self.data[self.position : self.position + self.width]
        if len(raw) < self.width:
            raise IndexError("the header ends early")
        self.position += self.width
        value = int.from_bytes(raw, "little")
        return -value if sign else value

    def text(self) -> str:
        length = self.number()
        if length < 0:
            return ""
        raw = self.data[self.position : self.position + length]
        if len(raw) < length:
            raise IndexError("the header ends early")
        self.position += length
        return raw.decode(errors="replace")


def read_header(head: bytes) -> Header:
    """The header of a custom archive or a directory's toc.dat; empty where it is cut short."""
    try:
        reader = _at_the_time(head)
        second, minute, hour, day, month, year, _ = (reader.number() for _ in range(7))
        written_at = datetime(year + 1900, month + 1, day, hour, minute, min(second, 59))  # noqa: DTZ001 (it has no zone)
        return Header(reader.text(), written_at, major(reader.text()), major(reader.text()))
    except (IndexError, ValueError):
        return Header()


def stamped(head: bytes, moment: datetime) -> bytes:
    """The same header with another time: for backups that only seem to be old."""
    reader = _at_the_time(head)
    begin, made = reader.position, bytearray(head)
    parts = (moment.second, moment.minute, moment.hour, moment.day)
    for number, value in enumerate((*parts, moment.month - 1, moment.year - 1900)):
        place = begin + number * (reader.width + 1) + 1
        made[place : place + reader.width] = value.to_bytes(reader.width, "little")
    return bytes(made)


def _at_the_time(head: bytes) -> _Reader:
    """A reader that stands where the time begins. Raises IndexError, ValueError."""
    version = (head[5], head[6])
    if not head.startswith(b"PGDMP") or version < _OLDEST:
        raise ValueError("no archive of a known version")
    reader = _Reader(head, 11, width=head[8])
    compression: Callable[[], int] = (
        reader.byte if version >= _WITH_SPECIFICATION else reader.number
    )
    compression()
    return reader


_IN_SQL = {
    "server": re.compile(rb"^-- Dumped from database version (.+)$", re.MULTILINE),
    "dump": re.compile(rb"^-- Dumped by pg_dump version (.+)$", re.MULTILINE),
    "connect": re.compile(rb'^\\connect (?:-reuse-previous=on )?"?([^"\s]+)"?$', re.MULTILINE),
    "started": re.compile(rb"^-- Started on (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.MULTILINE),
}


def read_sql_header(head: bytes) -> Header:
    """What the comments at the beginning of plain SQL say; a time only with pg_dump --verbose."""
    found = {name: pattern.search(head) for name, pattern in _IN_SQL.items()}
    said = {name: match[1].decode(errors="replace") for name, match in found.items() if match}
    started = said.get("started")
    return Header(
        database=said.get("connect"),
        written_at=datetime.fromisoformat(started) if started else None,
        server_major=major(said.get("server", "")),
        dump_major=major(said.get("dump", "")),
    )


def major(version: str) -> int | None:
    """``17`` of ``17.10 (Debian 17.10-1)``."""
    found = re.match(r"\s*(\d+)", version)
    return int(found[1]) if found else None
