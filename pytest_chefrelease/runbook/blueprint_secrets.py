"""Which entries of render.yaml and fly.toml hold a secret in the open.

Sources: Render, "Blueprint YAML Reference" (envVars: key with value, sync, generateValue,
fromDatabase, fromService, fromGroup); Fly.io, "App configuration (fly.toml)": env, build.args,
files.raw_value.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from msgspec import Struct

from pytest_chefrelease.runbook.secret_strength import emptiness

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:SECRET|SECRETS|PASSWORD|PASSWD|PASS|PWD|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIALS?"
    r"|ACCESS_KEY|AUTH_KEY|ENCRYPTION_KEY|SIGNING_KEY|SALT|PEPPER|DSN)(?:_|$)"
)
_PUBLIC_NAME = re.compile(
    r"^(?:NEXT_PUBLIC_|VITE_|REACT_APP_)"
    r"|_(?:REQUIRED|ENABLED|TTL|TTL_\w+|EXPIRES_IN|EXPIRY|LIFETIME|ROUNDS|LENGTH|ISSUER|AUDIENCE"
    r"|NAME|FILE|PATH|URL|HEADER|ALGORITHM)$"
)
_PLAIN = re.compile(r"(?:\d+(?:\.\d+)?[a-z]{0,2}|true|false|yes|no|on|off)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A variable with a value written into a file; ``line`` counts from 1, 0 where unknown."""

    key: str
    value: str = field(repr=False)
    line: int


class OpenSecret(Struct, frozen=True):
    """An entry that holds a secret: why, and where. Never its value."""

    key: str
    line: int
    reason: str


def open_secrets(entries: Collection[Entry], required: Collection[str]) -> Iterator[OpenSecret]:
    """The entries that hold a secret; ``required`` are the names of production's secrets."""
    for entry in entries:
        reason = _reason(entry, required)
        if reason is not None:
            yield OpenSecret(entry.key, entry.line, reason)


def _reason(entry: Entry, required: Collection[str]) -> str | None:
    value = entry.value.strip()
    if _holds_password(value):
        return "its value is an address with a password"
    if emptiness(value) is not None:
        return None
    if entry.key in required:
        return "it is one of production's secrets and has its value in the file"
    name = entry.key.upper()
    if _SECRET_NAME.search(name) and not _PUBLIC_NAME.search(name) and not _PLAIN.fullmatch(value):
        return "its name says that it is a secret, and it has its value in the file"
    return None


def _holds_password(value: str) -> bool:
    try:
        return bool(urlsplit(value).password)
    except ValueError:
        return False
