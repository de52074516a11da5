"""Why a database did not answer: from libpq's words and SQLSTATEs to one clear line.

Source: PostgreSQL's documentation, appendix "PostgreSQL Error Codes".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_chefrelease.errors import (
    AccessDenied,
    Malformed,
    NoAnswer,
    NotConfigured,
    ProbeError,
    Unreachable,
)
from pytest_chefrelease.probes.postgres_url import DatabaseUrl

if TYPE_CHECKING:
    import psycopg

_Kind = Callable[..., ProbeError]
_URL = "Correct the URL in the variable that environments.*.database_env names."
_GRANT = "Grant it to the URL's user, or use a user that may read it."

# In this order: the first that is found in the message holds.
_WORDS: tuple[tuple[str, _Kind, str, str], ...] = (
    (
        r"password authentication failed|no password supplied|authentication failed|SASL",
        AccessDenied,
        "the database refuses the user's password",
        _URL,
    ),
    (
        r"no pg_hba\.conf entry .*(no encryption|SSL off)",
        AccessDenied,
        "the database refuses connections without TLS from here",
        "Add sslmode=require to the URL.",
    ),
    (
        r"no pg_hba\.conf entry",
        AccessDenied,
        "the database does not let this user in from here",
        "Allow this machine's address and the user in pg_hba.conf or the provider's settings.",
    ),
    (
        r"server does not support SSL|SSL (was|is) required",
        Unreachable,
        "TLS was refused: the server does not offer it, the URL asks for it",
        "Turn TLS on at the server; off loopback a URL without it gives the password away.",
    ),
    (
        r"certificate verify failed|root certificate file|server certificate for",
        Unreachable,
        "the server's TLS certificate is not trusted",
        "Set sslrootcert in the URL to the authority's certificate, and check the host's name.",
    ),
    (
        r"SSL error|SSL SYSCALL|tlsv1|ssl3",
        Unreachable,
        "TLS failed",
        "Check sslmode and the server's TLS versions.",
    ),
    (
        r"translate host name|resolve|Name or service not known|No address assoc|nodename nor",
        Unreachable,
        "the database's host name does not resolve",
        "Check the name in the URL, and that DNS answers from here.",
    ),
    (
        r"Connection refused|No such file or directory",
        Unreachable,
        "the database refused the connection",
        "Check host and port in the URL, and that the server runs and listens there.",
    ),
    (
        r"No route to host|Network is unreachable|Cannot assign requested address",
        Unreachable,
        "there is no route to the database",
        "Check the network here, VPN and firewall.",
    ),
    (
        r"timeout expired|timed out",
        Unreachable,
        "no connection to the database within the time limit",
        "Check that the host is up and that no firewall drops the connection.",
    ),
    (
        r'database ".*" does not exist',
        NotConfigured,
        "the server has no database of that name",
        _URL,
    ),
    (r'role ".*" does not exist', AccessDenied, "the server has no user of that name", _URL),
    (
        r"permission denied for database",
        AccessDenied,
        "the user may not connect to this database",
        "GRANT CONNECT ON DATABASE to the URL's user.",
    ),
    (
        r"too many (clients|connections)|connection slots|max_client_conn|pool.* timeout",
        Unreachable,
        "the database has no free connection",
        "Look at who holds them: pg_stat_activity; then run this again.",
    ),
    (
        r"starting up|shutting down|recovery mode|not (yet )?accepting connections",
        Unreachable,
        "the database is starting up or shutting down",
        "Run this again when it is up; look at why it restarts.",
    ),
)
_DIED = (
    "the database ended the connection in the middle",
    "Look at the server's log: a crash, a restart or an administrator's command.",
)
_SAID = re.compile(r"(?:FATAL|ERROR):\s*([^\n]*)")


def classify(error: psycopg.Error | OSError, database: DatabaseUrl) -> ProbeError:
    """The error of our tree that a psycopg exception stands for; without the password."""
    import psycopg

    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    where = database.where
    if state is not None:
        return _from_state(state, error, where)
    text = str(error)
    for pattern, kind, seen, remedy in _WORDS:
        if re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            return kind(seen, where=where, remedy=remedy)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return NoAnswer(_DIED[0], where=where, remedy=_DIED[1])
    return Malformed(
        f"the database's answer cannot be read ({type(error).__name__})",
        where=where,
        remedy="Check that the URL is a PostgreSQL server's.",
    )


def _from_state(state: str, error: BaseException, where: str) -> ProbeError:
    said = str(error).splitlines()[0][:200] if str(error) else state
    if state == "42501":
        return AccessDenied(said, where=where, remedy=_GRANT)
    if state == "57014":
        return NoAnswer(
            "a query took longer than 5 s and was cancelled",
            where=where,
            remedy="Look at what keeps the database busy: pg_stat_activity.",
        )
    if state == "55P03":
        return NoAnswer(
            "a lock was not free within 1 s",
            where=where,
            remedy="Another session changes the table: wait for a running migration to end.",
        )
    if state.startswith(("57P", "08", "25P03")):
        return NoAnswer(_DIED[0], where=where, remedy=_DIED[1])
    return Malformed(
        f"the database refused a query ({state}: {said})",
        where=where,
        remedy="Check that the database and its schema are the product's.",
    )
