"""What the sessions of a PostgreSQL server do now, as far as the asking user may see."""

from __future__ import annotations

from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.probes.postgres import Session
from pytest_chefrelease.runbook.database_sessions import (
    Activity,
    Capacity,
    ServerSession,
    Wait,
)

_LIMITS = """
    SELECT current_setting('max_connections')::int, d.datname, d.datconnlimit,
           r.rolname, r.rolconnlimit, pg_catalog.pg_is_in_recovery(),
           pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
    FROM pg_catalog.pg_database d, pg_catalog.pg_roles r
    WHERE d.datname = current_database() AND r.rolname = current_user
"""
# Of a session that is hidden even the kind is not told: a client's has a database and a user.
_SESSIONS = """
    SELECT pid, coalesce(datname, ''), coalesce(usename, ''), coalesce(application_name, ''),
           coalesce(state, ''),
           greatest(extract(epoch FROM clock_timestamp() - state_change), 0)::float8,
           query IS NOT DISTINCT FROM '<insufficient privilege>'
    FROM pg_catalog.pg_stat_activity
    WHERE coalesce(backend_type = 'client backend', datid IS NOT NULL AND usesysid IS NOT NULL)
"""
# Waits are shown to everybody. Before PostgreSQL 14 pg_locks has no waitstart.
_WAITS = """
    SELECT l.pid, pg_catalog.pg_blocking_pids(l.pid),
           greatest(extract(epoch FROM clock_timestamp() - min(coalesce(
               (to_jsonb(l) ->> 'waitstart')::timestamptz, a.query_start))), 0)::float8
    FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
    WHERE NOT l.granted GROUP BY l.pid
"""


async def read_activity(session: Session) -> Activity:
    """One look. Raises ProbeErrors."""
    rows = await session.rows(_LIMITS)
    if len(rows) != 1:
        raise Malformed("the server does not say how many connections it takes")
    most, database, of_database, role, of_role, is_replica, sees_all = rows[0]
    sessions = tuple(_session(row) for row in await session.rows(_SESSIONS))
    waits = tuple(_wait(row) for row in await session.rows(_WAITS))
    in_database = sum(one.database == database for one in sessions)
    of_user = sum(one.role == role for one in sessions)
    capacities = (
        Capacity("max_connections", _number(most), len(sessions)),
        Capacity(f"CONNECTION LIMIT of database {database}", _number(of_database), in_database),
        Capacity(f"CONNECTION LIMIT of role {role}", _number(of_role), of_user),
    )
    return Activity(
        database=str(database),
        sessions=sessions,
        waits=waits,
        # -1 is no limit.
        capacities=tuple(capacity for capacity in capacities if capacity.limit >= 0),
        is_replica=bool(is_replica),
        sees_all=bool(sees_all),
    )


def _session(row: tuple[object, ...]) -> ServerSession:
    pid, database, role, application, state, state_s, is_hidden = row
    return ServerSession(
        pid=_number(pid),
        database=str(database),
        role=str(role),
        application=" ".join(str(application).split())[:64],
        state=str(state),
        state_s=state_s if isinstance(state_s, float) else None,
        is_hidden=bool(is_hidden),
    )


def _wait(row: tuple[object, ...]) -> Wait:
    pid, blocked_by, waits_s = row
    pids = blocked_by if isinstance(blocked_by, list) else []
    return Wait(
        _number(pid),
        waits_s if isinstance(waits_s, float) else None,
        tuple(dict.fromkeys(one for one in pids if isinstance(one, int))),
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
