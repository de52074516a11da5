"""Rules for connection strings and Sentry DSNs. No message contains a part of the secret.

Sources: PostgreSQL 17 manual, 32.1.2 and 32.19 (sslmode); Prisma, "Connection URLs"; Redis URI
scheme (``rediss`` is TLS); Sentry, "What the DSN does"; Fly.io, "Private networking".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from pytest_chefrelease.runbook.secret import Secret

_TLS_BY_SCHEME = {"rediss", "amqps", "https", "wss", "mongodb+srv", "nats+tls", "valkeys", "tls"}
_TLS_BY_PARAMETER = {
    "postgres": (("sslmode", {"require", "verify-ca", "verify-full"}), ("ssl", {"true", "1"})),
    "mysql": (
        ("sslaccept", {"strict", "accept_invalid_certs"}),
        ("ssl-mode", {"REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"}),
        ("ssl", {"true", "1"}),
    ),
    "mongodb": (("tls", {"true"}), ("ssl", {"true"})),
    "sqlserver": (("encrypt", {"true"}),),
}
_FAMILIES = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "cockroachdb": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "mongodb": "mongodb",
    "mongodb+srv": "mongodb",
    "sqlserver": "sqlserver",
    "redis": "redis",
    "rediss": "redis",
    "valkey": "redis",
    "valkeys": "redis",
    "amqp": "amqp",
    "amqps": "amqp",
    "nats": "nats",
    "nats+tls": "nats",
}
_EXPECTED_SCHEMES = {"DATABASE": ("postgres", "mysql", "mongodb", "sqlserver"), "REDIS": ("redis",)}
_DSN_KEY = re.compile(r"[0-9a-f]{32}")
_EXAMPLE_HOSTS = (
    "localhost.example",
    "example.com",
    "example.org",
    "your-host",
    "hostname",
    "host",
)


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection string taken apart; ``problems`` are in words without any part of it."""

    problems: tuple[str, ...]
    password: Secret | None = field(default=None, repr=False)
    user: Secret | None = field(default=None, repr=False)
    host: Secret | None = field(default=None, repr=False)
    family: str = ""
    needs_password: bool = True


def read_connection(name: str, value: str, private_hosts: Sequence[str] = ()) -> Connection:
    """Take a connection string apart and judge all of it but its password.

    ``name`` is the variable's, which says what kind of system is meant; ``private_hosts`` are
    patterns of hosts whose network encrypts by itself (``*.flycast``).
    """
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return Connection(("it is no connection URL: it does not parse",))
    scheme = parts.scheme.lower()
    family = _FAMILIES.get(scheme, "")
    if not family:
        return Connection(("it is no connection URL: no known scheme such as postgresql://",))
    options = {k: v[-1] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
    host = host or options.get("host", "")
    problems = [
        *_wrong_kind(name, family),
        *([] if host else ["it names no host"]),
        *_placeholder_host(host),
        *_without_tls(parts, family, host, options, private_hosts),
        *_without_database(parts, family),
    ]
    return Connection(
        problems=tuple(problems),
        password=Secret(unquote(parts.password)) if parts.password else None,
        user=Secret(unquote(parts.username)) if parts.username else None,
        host=Secret(host),
        family=family,
        needs_password=not ("sslcert" in options or host.startswith("/")),
    )


def dsn_problems(value: str) -> Iterator[str]:
    """What is wrong with a Sentry DSN: ``https://KEY@HOST/PROJECT``."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        yield "it is no Sentry DSN: it does not parse"
        return
    if parts.scheme not in ("http", "https") or not host:
        yield "it is no Sentry DSN: no https:// address"
        return
    if parts.scheme == "http" and not _is_local(host):
        yield "it sends events without TLS (http instead of https)"
    if not parts.username:
        yield "it has no public key before the @"
    elif not _DSN_KEY.fullmatch(parts.username.lower()):
        yield "its public key is not 32 hexadecimal digits"
    if parts.password:
        yield "it is of the old form that holds a secret key: take the new DSN from Sentry"
    if not parts.path.rpartition("/")[2].isdigit():
        yield "it ends in no project number"
    yield from _placeholder_host(host)


def _wrong_kind(name: str, family: str) -> Iterator[str]:
    for word, families in _EXPECTED_SCHEMES.items():
        if word in name.upper() and family not in families:
            yield f"it is the address of another kind of system ({family})"


def _placeholder_host(host: str) -> Iterator[str]:
    if any(host == each or host.endswith(f".{each}") for each in _EXAMPLE_HOSTS):
        yield "its host is a placeholder"


def _without_tls(
    parts: SplitResult,
    family: str,
    host: str,
    options: dict[str, str],
    private_hosts: Sequence[str],
) -> Iterator[str]:
    if _is_local(host) or any(fnmatchcase(host, pattern.lower()) for pattern in private_hosts):
        return
    if parts.scheme.lower() in _TLS_BY_SCHEME:
        if options.get("tls") == "false" or options.get("ssl") == "false":
            yield "it turns TLS off"
        return
    for name, values in _TLS_BY_PARAMETER.get(family, ()):
        if options.get(name) in values:
            return
    yield f"it does not demand TLS ({_how(family)})"


def _how(family: str) -> str:
    return {
        "postgres": "add sslmode=require, better verify-full",
        "mysql": "add sslaccept=strict",
        "mongodb": "add tls=true",
        "sqlserver": "add encrypt=true",
        "redis": "begin with rediss://",
        "amqp": "begin with amqps://",
    }.get(family, "use the scheme with TLS")


def _without_database(parts: SplitResult, family: str) -> Iterator[str]:
    if family in ("postgres", "mysql") and not parts.path.strip("/"):
        yield "it names no database"


def _is_local(host: str) -> bool:
    """Loopback, or a Unix socket's directory."""
    if host in ("localhost", "") or host.startswith("/") or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
