"""ChefCloud's two databases: created, migrated, filled, and put back as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING

from pytest_chefrelease.probes.scratch.migrate import Deployment, Migration, deploy
from pytest_chefrelease.probes.scratch.server import Cluster
from pytest_chefrelease.rehearsal.chefcloud.tokens import password_hash
from pytest_chefrelease.rehearsal.variables import SMOKE_EMAIL

if TYPE_CHECKING:
    import psycopg

STAFF = (("Rosa Bianchi", "owner"), ("Marco Villa", "chef"), ("Aisha Khan", "waiter"))


AT_START = "at_start"


@dataclass(slots=True)
class Database:
    """One environment's database, with copies of how it was at moments to come back to."""

    cluster: Cluster
    name: str
    role: str
    password: str = field(repr=False)
    is_touched: bool = False
    _is_as: str = ""
    _held: list[psycopg.Connection] = field(default_factory=list, repr=False)

    @property
    def url(self) -> str:
        """The application's connection URL."""
        return self.cluster.url(self.name, self.role, self.password)

    def create(self, migrations: Sequence[Migration], smoke_password: str, badge: str) -> None:
        """Create, migrate and fill it, and keep the copy."""
        self.cluster.create_role(self.role, self.password)
        self.cluster.create_database(self.name, self.role)
        deploy(self.url, migrations)
        self._fill(smoke_password, badge)
        self.keep(AT_START)

    def _fill(self, smoke_password: str, badge: str) -> None:
        seed = files("pytest_chefrelease.rehearsal.product") / "seed.sql"
        insert = (
            "INSERT INTO users (organisation_id, email, name, role, password_hash, badge_hash)"
            " VALUES (1, %s, %s, %s, %s, %s)"
        )
        import psycopg

        with psycopg.connect(self.url, connect_timeout=5) as connection:
            connection.execute(seed.read_bytes())
            smoke = ("Smoke Test", "staff", password_hash(smoke_password, "smoke"))
            connection.execute(insert, (SMOKE_EMAIL, *smoke, password_hash(badge, "badge")))
            for name, role in STAFF:
                email = f"{name.partition(' ')[0].lower()}@chefcloud.example"
                connection.execute(insert, (email, name, role, "!", None))

    def migrate(self, migrations: Sequence[Migration]) -> Deployment:
        """Apply pending migrations; a failure is recorded in the history and returned."""
        self.is_touched = True
        return deploy(self.url, migrations)

    def execute(self, statement: str, values: Sequence[object] = ()) -> None:
        """Run statements as the application's own user, who owns everything in it."""
        import psycopg

        self.is_touched = True
        with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement, tuple(values))

    def hold(self, application: str, *statements: str) -> None:
        """Open a session that stays open, idle behind these statements, until ``reset``."""
        import psycopg

        self.is_touched = True
        connection = psycopg.connect(
            self.url, autocommit=True, connect_timeout=5, application_name=application
        )
        self._held.append(connection)
        for statement in statements:
            connection.execute(statement.encode())

    def wait_in_line(self, application: str, statement: str) -> None:
        """Open a session that stays in the middle of a statement, until ``reset``."""
        self.hold(application)
        self._held[-1].pgconn.send_query(statement.encode())

    def keep(self, moment: str) -> None:
        """Keep a copy of it as it is now. No session may be open."""
        self.cluster.create_database(f"{self.name}_{moment}", self.role, template=self.name)
        self._is_as, self.is_touched = moment, False

    def reset(self, moment: str = AT_START) -> None:
        """Put it back as it was at a moment that was kept; its sessions are ended."""
        while self._held:
            self._held.pop().close()
        if self.is_touched or self._is_as != moment:
            self.cluster.drop_database(self.name)
            self.cluster.create_database(self.name, self.role, template=f"{self.name}_{moment}")
            self._is_as, self.is_touched = moment, False
