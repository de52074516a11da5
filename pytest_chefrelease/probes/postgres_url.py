"""A database's URL as applications write it, made into what libpq understands.

Sources: PostgreSQL's documentation, "Connection URIs" and "Parameter Key Words"; Prisma's
documentation of PostgreSQL connection URLs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode

from pytest_chefrelease.errors import NotConfigured

# What libpq reads and we let through; Prisma's own (schema, connection_limit, pool_timeout,
# pgbouncer, socket_timeout, statement_cache_size, sslaccept …) are not among them.
_LIBPQ = frozenset(
    {
        *("host", "hostaddr", "port", "dbname", "user", "password", "passfile"),
        *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslsni", "sslnegotiation"),
        *("ssl_min_protocol_version", "ssl_max_protocol_version", "channel_binding"),
        *("gssencmode", "krbsrvname", "require_auth"),
        *("target_session_attrs", "load_balance_hosts"),
    }
)


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A database's address: libpq's parameters, the schema, and words for messages.

    ``parameters`` hold the password: they are never shown.
    """

    parameters: Mapping[str, str] = field(repr=False)
    schema: str

    @property
    def where(self) -> str:
        """``db.example:5432/chefcloud as chef``: the address without its password."""
        known = self.parameters
        host = known.get("host") or known.get("hostaddr") or "localhost"
        place = f"{host}:{known.get('port', '5432')}/{known.get('dbname', '')}"
        return f"{place} as {known['user']}" if "user" in known else place


def parse_database_url(url: str) -> DatabaseUrl:
    """Read a PostgreSQL URL, with Prisma's parameters or without. Raises NotConfigured.

    The URL is never repeated in a message: it holds a password.
    """
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    scheme, separator, _ = url.strip().partition("://")
    if not separator or scheme not in ("postgresql", "postgres"):
        raise _unusable(_kind(scheme) if separator else "it has no scheme")
    base, _, query = url.strip().partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    kept = {key: value for key, value in pairs if key in _LIBPQ}
    if "sslaccept" in given or "sslidentity" in given:
        # In Prisma's URLs sslcert is the authority's certificate; libpq means the client's.
        authority = kept.pop("sslcert", None)
        if given.get("sslaccept") == "strict" and authority:
            kept["sslrootcert"] = authority
    text = base + ("?" + urlencode(kept, quote_via=quote) if kept else "")
    try:
        parameters = {key: str(value) for key, value in conninfo_to_dict(text).items()}
    except ProgrammingError:
        reason = "it does not parse (special characters in a password are written as %40 and so on)"
        raise _unusable(reason) from None
    return DatabaseUrl(parameters, given.get("schema") or "public")


def _kind(scheme: str) -> str:
    if scheme.startswith("prisma"):
        return "it is Prisma Accelerate's address, not the database's own (DIRECT_URL)"
    return f"its scheme is {scheme[:20]!r}"


def _unusable(reason: str) -> NotConfigured:
    return NotConfigured(
        f"the database's URL is not usable: {reason}",
        expected="postgresql://USER:PASSWORD@HOST:PORT/DATABASE?schema=NAME",
        remedy="Correct the variable that environments.*.database_env names.",
    )
