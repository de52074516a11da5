"""What a backup file is, by its first bytes; no name is trusted.

Sources: PostgreSQL's pg_backup_archiver.h, RFC 1952 and RFC 8878, age's and OpenPGP's formats.
"""

from __future__ import annotations

import re
from enum import StrEnum

HEAD_BYTES = 4_096
"""So much of a file says what it is."""


class Form(StrEnum):
    """The forms in which PostgreSQL's programs write a backup."""

    CUSTOM = "custom"
    DIRECTORY = "directory"
    TAR = "tar"
    PLAIN = "plain SQL"


class Packing(StrEnum):
    """What a file as a whole is packed by."""

    NONE = ""
    GZIP = "gzip"
    ZSTD = "zstd"


_ENCRYPTED = {
    b"age-encryption.org/v1": "age",
    b"-----BEGIN AGE ENCRYPTED FILE-----": "age",
    b"-----BEGIN PGP MESSAGE-----": "gpg",
    b"Salted__": "openssl",
}
# OpenPGP packets that begin an encrypted message: a session key (tags 1 and 3), or the data
# itself (tags 9 and 18), in the old and the new form of the tag's byte.
_PGP_PACKETS = frozenset((*range(0x84, 0x88), *range(0x8C, 0x90), *range(0xA4, 0xA8), 0xC1, 0xC3))
_SQL = re.compile(
    rb"\s*(--|/\*|\\restrict|SET |CREATE |DROP |BEGIN|COPY |INSERT |\\connect|SELECT )"
)


def packing_of(head: bytes) -> Packing:
    """What the file is packed by."""
    if head.startswith(b"\x1f\x8b"):
        return Packing.GZIP
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return Packing.ZSTD
    return Packing.NONE


def form_of(head: bytes) -> Form | None:
    """The form of a file's (unpacked) beginning, or None where it is no backup."""
    if head.startswith(b"PGDMP"):
        return Form.CUSTOM
    if head[257:262] == b"ustar":
        return Form.TAR
    return Form.PLAIN if _SQL.match(head) else None


def encrypted_by(head: bytes) -> str | None:
    """The program that encrypted the file, or None."""
    for mark, program in _ENCRYPTED.items():
        if head.startswith(mark):
            return program
    return "gpg" if head[:1] and head[0] in _PGP_PACKETS and not head.isascii() else None
