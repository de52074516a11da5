"""Restores a backup into a database of our own, and counts what arrived.

Roles and privileges are left out: the server has none of production's. Where the backup needs
a role all the same (policies name them), it is made, and the restore begun anew.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

from msgspec import Struct

from pytest_chefrelease.errors import Malformed, MissingExtra
from pytest_chefrelease.probes.backups.contents import Contents, as_one_file, unpacked
from pytest_chefrelease.probes.backups.form import Form
from pytest_chefrelease.probes.scratch.server import ADMIN, Cluster

_CHUNK = 1 << 20
_ROLE = re.compile(r'role "([^"\n]+)" does not exist')
_ERROR = re.compile(r"(?:ERROR|FATAL|pg_restore: error): +([^\n]+)")
_EXTENSION = re.compile(
    r'extension "([^"\n]+)" is not available|control file "[^"\n]*/([^/"\n]+)\.c'
)
_MAX_ERRORS = 20


class Restored(Struct, frozen=True):
    """How a restore went: how long, what went wrong, and the rows of each table after it.

    ``rows`` are empty until somebody counts them (see ``Restoring.count``).
    """

    took_s: float
    errors: tuple[str, ...]
    rows: dict[str, int]
    major: int


class Restoring(Struct, frozen=True):
    """A backup on this machine, and the server and database that it goes into.

    Of an archive's contents no more than its form, packing and header need be known.
    """

    path: Path
    contents: Contents
    cluster: Cluster
    database: str
    jobs: int

    async def run(self) -> Restored:
        """Restore. Raises ProbeErrors where this machine lacks something for it."""
        self._demand_no_commands()
        await self._create()
        took_s, said = await self._once()
        roles = sorted(set(_ROLE.findall(said)))
        if roles:
            await asyncio.to_thread(self._make_roles, roles)
            await self._create()
            took_s, said = await self._once()
        _demand_extensions(said)
        errors = tuple(dict.fromkeys(_ERROR.findall(said)))[:_MAX_ERRORS]
        return Restored(took_s, errors, {}, self.cluster.programs.major)

    def _demand_no_commands(self) -> None:
        if self.contents.commands:
            raise Malformed(
                f"the backup holds a command that psql would run: {self.contents.commands[0]!r}",
                expected="SQL as pg_dump writes it",
                where=str(self.path),
                remedy="Look at where the file comes from; take backups with pg_dump.",
            )

    async def _create(self) -> None:
        await asyncio.to_thread(self._create_now)

    def _create_now(self) -> None:
        self.cluster.drop_database(self.database)
        self.cluster.create_database(self.database, ADMIN)

    def _make_roles(self, names: Sequence[str]) -> None:
        from psycopg import sql

        with self.cluster.admin() as connection:
            for name in names:
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))

    async def _once(self) -> tuple[float, str]:
        """Restore; gives how long it took in seconds, and all that was complained of."""
        if self.contents.is_archive:
            with tempfile.TemporaryDirectory(prefix="chefrelease-archive-") as folder:
                packing = self.contents.packing
                path = await asyncio.to_thread(as_one_file, self.path, packing, Path(folder))
                return await self._run(self._pg_restore(path))
        with unpacked(self.path, self.contents.packing) as stream:
            return await self._run(self._psql(), stream)

    def _pg_restore(self, path: Path) -> list[str]:
        in_parallel = self.contents.form in (Form.CUSTOM, Form.DIRECTORY)
        jobs = [f"--jobs={self.jobs}"] if in_parallel and self.jobs > 1 else []
        # Subscriptions would connect to where they subscribe.
        left_out = ("owner", "privileges", "publications", "subscriptions", "tablespaces")
        options = [f"--no-{name}" for name in left_out]
        program = self.cluster.programs.path("pg_restore")
        return [program, *jobs, *options, f"--dbname={self._connection}", str(path)]

    def _psql(self) -> list[str]:
        program = self.cluster.programs.path("psql")
        if not Path(program).exists():
            raise MissingExtra(
                "psql is not beside PostgreSQL's other programs",
                where=program,
                remedy="Install PostgreSQL's client programs, or set CHEFRELEASE_POSTGRES_BIN.",
            )
        return [program, "--no-psqlrc", "--quiet", f"--dbname={self._connection}"]

    @property
    def _connection(self) -> str:
        return f"host=127.0.0.1 port={self.cluster.port} user={ADMIN} dbname={self.database}"

    async def _run(
        self, command: Sequence[str], stream: IO[bytes] | None = None
    ) -> tuple[float, str]:
        login = {"PGPASSWORD": self.cluster.admin_password, "LC_ALL": "C"}
        started = time.monotonic()
        with tempfile.TemporaryFile() as complaints:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE if stream else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=complaints,
                env=login,
            )
            try:
                if stream and process.stdin:
                    await _pour(stream, process.stdin)
                await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            took_s = time.monotonic() - started
            complaints.seek(0)
            said = complaints.read(1_000_000).decode(errors="replace")
        if process.returncode and not _ERROR.search(said):
            said += f"\nERROR: {Path(command[0]).name} ended with {process.returncode}"
        return took_s, said

    async def count(self, tables: Iterable[str]) -> dict[str, int]:
        """The rows of each of these tables that arrived."""
        import psycopg
        from psycopg import sql

        url = self.cluster.url(self.counted_in, ADMIN, self.cluster.admin_password)
        found: dict[str, int] = {}
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            for table in tables:
                name = sql.Identifier(*table.split(".", 1))
                try:
                    query = sql.SQL("SELECT count(*) FROM {}").format(name)
                    row = await (await connection.execute(query)).fetchone()
                except psycopg.Error:
                    continue  # that it is not there is told by its absence here
                found[table] = int(row[0]) if row else 0
        return found

    @property
    def counted_in(self) -> str:
        """The database where the data is.

        SQL that makes its own database (pg_dump --create) goes into that.
        """
        own = self.contents.header.database
        return own if self.contents.form is Form.PLAIN and own else self.database


async def _pour(stream: IO[bytes], into: asyncio.StreamWriter) -> None:
    try:
        while chunk := await asyncio.to_thread(stream.read, _CHUNK):
            into.write(chunk)
            await into.drain()
        into.close()
        await into.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        # psql has ended: what it said tells why.
        return


def _demand_extensions(said: str) -> None:
    found = _EXTENSION.search(said)
    if found:
        name = found[1] or found[2]
        raise MissingExtra(
            f"the backup needs the extension {name}, which PostgreSQL here does not have",
            remedy=f"Install the server package with {name} on this machine, or let "
            "CHEFRELEASE_POSTGRES_BIN name a PostgreSQL that has it.",
        )
