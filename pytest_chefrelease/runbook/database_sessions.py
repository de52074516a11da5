"""Sessions of a database server, and what is wrong with them.

Sources: PostgreSQL's documentation, pg_stat_activity, pg_locks and pg_blocking_pids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct


class ServerSession(Struct, frozen=True):
    """A client's session; ``state_s`` is since when it is in its state, None where hidden.

    ``is_hidden``: the user that asks may see that it is there, and not what it does.
    """

    pid: int
    database: str
    role: str
    application: str
    state: str
    state_s: float | None = None
    is_hidden: bool = False

    @property
    def named(self) -> str:
        """``api (chefcloud, pid 77)``."""
        return f"{self.application or 'no application name'} ({self.role}, pid {self.pid})"


class Wait(Struct, frozen=True):
    """A session that waits for a lock: since when (None: not known), and who holds it up."""

    pid: int
    waits_s: float | None
    blocked_by: tuple[int, ...]


class Capacity(Struct, frozen=True):
    """A number of connections that cannot be exceeded: of the server, a database or a role."""

    what: str
    limit: int
    used: int

    @property
    def ratio(self) -> float:
        """The part in use, from 0 to 1."""
        return self.used / self.limit if self.limit > 0 else 1.0


class Activity(Struct, frozen=True):
    """One look at a server: all sessions, those of ``database`` told apart, and waits.

    ``sees_all`` says whether the user that asks may see what others do.
    """

    database: str
    sessions: tuple[ServerSession, ...]
    waits: tuple[Wait, ...]
    capacities: tuple[Capacity, ...]
    is_replica: bool
    sees_all: bool

    @property
    def fullest(self) -> Capacity:
        """The limit that is nearest."""
        return max(self.capacities, key=lambda capacity: capacity.ratio)

    @property
    def hidden(self) -> tuple[ServerSession, ...]:
        """Sessions of this database of which nothing is known but that they are there."""
        return tuple(s for s in self.sessions if s.is_hidden and s.database == self.database)

    def idle_in_transaction(self, longer_than_s: float) -> tuple[ServerSession, ...]:
        """Sessions that left a transaction open and do nothing, longest first."""
        idle = (
            s
            for s in self.sessions
            if s.state.startswith("idle in transaction")
            and s.state_s is not None
            and s.state_s > longer_than_s
        )
        return tuple(sorted(idle, key=lambda s: -(s.state_s or 0)))

    def blocked(self, longer_than_s: float) -> tuple[Wait, ...]:
        """Sessions that wait for a lock, longest first."""
        waits = (w for w in self.waits if w.waits_s is not None and w.waits_s > longer_than_s)
        return tuple(sorted(waits, key=lambda w: -(w.waits_s or 0)))

    def described(self, pid: int) -> str:
        """A session by its application, state and age."""
        if pid == 0:
            return "a prepared transaction (pg_prepared_xacts)"
        found = next((s for s in self.sessions if s.pid == pid), None)
        if found is None:
            return f"pid {pid}"
        age = f" for {found.state_s:.0f} s" if found.state_s is not None else ""
        return f"{found.named}, {found.state or 'state not visible'}{age}"


def by_application(sessions: Iterable[ServerSession]) -> Sequence[tuple[str, str, int, str]]:
    """Application, database, number of sessions and their states; most sessions first."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for session in sessions:
        key = (session.application or "(no name)", session.database)
        found.setdefault(key, Counter())[session.state or "not visible"] += 1
    rows = [
        (
            application,
            database,
            states.total(),
            ", ".join(f"{count} {state}" for state, count in states.most_common()),
        )
        for (application, database), states in found.items()
    ]
    return sorted(rows, key=lambda row: (-row[2], row[:2]))
