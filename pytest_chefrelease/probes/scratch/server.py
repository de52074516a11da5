"""An embedded PostgreSQL server: throw-away, on loopback, with a password, gone when stopped."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_chefrelease.errors import NoAnswer, Unreachable
from pytest_chefrelease.probes.scratch.ports import free_port
from pytest_chefrelease.probes.scratch.programs import (
    Account,
    Programs,
    find_programs,
    programs_for,
    readable_by_all,
    server_account,
)

if TYPE_CHECKING:
    import psycopg

ADMIN = "rehearsal"
"""The administrator's role."""

_START_LIMIT_S = 20.0
_STOP_LIMIT_S = 10.0
_SOCKET_PATH_LIMIT = 107  # bytes, sun_path of unix(7) less the closing zero
_SHORT_PARENTS = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - a private folder is made in it
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # Nothing here has to survive a power cut, and a rehearsal has to start at once.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "log_line_prefix": "%m [%p] user=%u db=%d app=%a ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
TALKATIVE = {"log_connections": "on", "log_statement": "all"}
"""Settings with which the log tells what every session did."""


@dataclass(slots=True)
class Cluster:
    """A running server; ``folder`` holds its data, socket and log and goes with it."""

    programs: Programs
    folder: Path
    port: int
    admin_password: str = field(repr=False)
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def log(self) -> Path:
        """The server's log: connections and every statement, with user, database, application."""
        return self.folder / "postgres.log"

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self.process.pid

    def url(self, database: str, user: str, password: str) -> str:
        """A connection URL; the password has to be made of URL-safe characters."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def admin(self, database: str = "postgres") -> psycopg.Connection:
        """An administrator's connection that commits each statement by itself."""
        import psycopg

        return psycopg.connect(
            self.url(database, ADMIN, self.admin_password), autocommit=True, connect_timeout=5
        )

    def create_role(self, name: str, password: str) -> None:
        """A role that may log in and nothing else."""
        self._run(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")

    def create_database(self, name: str, owner: str, template: str = "template0") -> None:
        """A database of ``owner``, empty or a copy of ``template`` (which nobody may use)."""
        self._run(f"CREATE DATABASE {name} OWNER {owner} TEMPLATE {template}")

    def drop_database(self, name: str) -> None:
        """Drop a database, ending the sessions that use it."""
        self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with self.admin() as connection:
            connection.execute(statement)

    def stop(self) -> None:
        """End the server, kill it when it does not go, and remove its folder."""
        if self.process.poll() is None:
            # What it holds goes with its folder: it need not be written out first.
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(_STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(_STOP_LIMIT_S)
        shutil.rmtree(self.folder)


def start(
    admin_password: str,
    *,
    programs: Programs | None = None,
    settings: Mapping[str, str] = TALKATIVE,
) -> Cluster:
    """Create and start a server of these programs, by default of the first that are found.

    ``settings`` are the server's own, over those that make it quick and throw-away.

    Raises:
        MissingExtra: there are no PostgreSQL programs here.
        Unreachable: it did not start; the message has the end of its log.
    """
    account = server_account()
    folder = _folder(account)
    try:
        given = programs_for(account, programs or find_programs(), folder)
        _initialise(given, folder, account, admin_password)
        return _launch(given, folder, account, admin_password, settings)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _folder(account: Account | None) -> Path:
    """A new folder, owned by the account, on a path that it can reach and that is short enough."""
    for parent in (Path(tempfile.gettempdir()), *_SHORT_PARENTS):
        reachable = account is None or readable_by_all(parent)
        short = len(os.fsencode(parent)) + len("/chefrelease-pg-12345678/.s.PGSQL.65535")
        if reachable and short <= _SOCKET_PATH_LIMIT:
            folder = Path(tempfile.mkdtemp(prefix="chefrelease-pg-", dir=parent))
            if account:
                os.chown(folder, account.uid, account.gid)
            return folder
    raise Unreachable("no folder for PostgreSQL's data", expected="a short path open to all users")


def _initialise(programs: Programs, folder: Path, account: Account | None, password: str) -> None:
    password_file = folder / "password"
    password_file.touch(0o600)
    password_file.write_text(password)
    if account:
        os.chown(password_file, account.uid, account.gid)
    done = subprocess.run(
        [
            programs.path("initdb"),
            f"--pgdata={folder / 'data'}",
            f"--username={ADMIN}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    password_file.unlink()
    if done.returncode:
        raise Unreachable(f"initdb failed: {done.stderr.strip()[-500:]}")


def _launch(
    programs: Programs,
    folder: Path,
    account: Account | None,
    password: str,
    settings: Mapping[str, str],
) -> Cluster:
    """Start the server; a port that somebody took in the meantime is tried anew."""
    for attempt in range(3):
        port = free_port()
        process = _spawn(programs, folder, account, {**settings, "port": str(port)})
        cluster = Cluster(programs, folder, port, password, process)
        try:
            _wait_until_ready(cluster)
        except BaseException as reason:
            _kill(cluster.process)
            in_use = "could not bind" in cluster.log.read_text(errors="replace")
            if attempt == 2 or not in_use or not isinstance(reason, Unreachable):
                raise
            continue
        return cluster
    raise AssertionError("the last attempt returns or raises")


def _spawn(
    programs: Programs, folder: Path, account: Account | None, settings: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    all_settings = {**_SETTINGS, "unix_socket_directories": str(folder), **settings}
    options = [part for name, value in all_settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "postgres.log").open("wb") as log:
        return subprocess.Popen(
            [programs.path("postgres"), "-D", str(folder / "data"), *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            # Ctrl-C in the terminal is for us: we end the server in our own order.
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def _wait_until_ready(cluster: Cluster) -> None:
    """Wait for the server's own word: its pid file's last line says ``ready``."""
    state = cluster.folder / "data" / "postmaster.pid"
    deadline = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < deadline:
        if cluster.process.poll() is not None:
            tail = cluster.log.read_text(errors="replace").strip()[-500:]
            raise Unreachable(f"PostgreSQL ended at once: {tail}")
        if state.exists() and state.read_text().rstrip().endswith("ready"):
            return
        time.sleep(0.02)
    raise NoAnswer(f"PostgreSQL did not get ready in {_START_LIMIT_S:.0f} s")


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait(_STOP_LIMIT_S)
