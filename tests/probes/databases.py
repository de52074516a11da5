"""A real PostgreSQL server for a test module, and databases on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pytest_chefrelease.probes.scratch import server as postgres

PASSWORD = "s3cret-of-the-tests"
_NUMBERS = itertools.count(1)


@dataclass
class Server:
    """A running server; ``database`` makes a new one, owned by a role of its own."""

    cluster: postgres.Cluster = field(repr=False)

    def database(self) -> Database:
        number = next(_NUMBERS)
        name, role = f"chef{number}", f"cook{number}"
        self.cluster.create_role(role, PASSWORD)
        self.cluster.create_database(name, role)
        return Database(self, name, role)


@dataclass
class Database:
    """One database and its owner's URL."""

    server: Server
    name: str
    role: str

    @property
    def url(self) -> str:
        return self.server.cluster.url(self.name, self.role, PASSWORD)

    def execute(self, statement: str, *values: object) -> None:
        """Run a statement as an administrator."""
        with self.server.cluster.admin(self.name) as connection:
            connection.execute(statement, values or None)

    def log(self) -> list[str]:
        """What the server logged of this database."""
        lines = self.server.cluster.log.read_text(errors="replace").splitlines()
        return [line for line in lines if f"db={self.name} " in line]


@contextmanager
def server() -> Iterator[Server]:
    """A server for the time of the block."""
    cluster = postgres.start(PASSWORD)
    try:
        yield Server(cluster)
    finally:
        cluster.stop()
