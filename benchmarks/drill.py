"""What the drill costs against ``pg_restore --jobs`` alone: at most 1.3 times is wanted.

``python -m benchmarks.drill`` makes a database of 1,000 MB, takes a backup of it, restores that
with pg_restore alone, lets the gate do all that it does with a backup (read it to its end beside
production's tables, restore it, count its rows, run pending migrations on it), and restores it
alone once more: the quicker of the two counts. Both have the same server settings and as many
processes. The processors' time, of the servers too, tells the same where others use the machine.
``python -m benchmarks.drill 100`` takes a database of 100 MB.
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks.migrations import PASSWORD, released
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.probes.scratch import server as postgres
from pytest_chefrelease.probes.scratch.keeper import Keeper, jobs
from pytest_chefrelease.probes.scratch.migrate import Migration, deploy
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import BackupTable, Settings

MEGABYTES = 1_000
ALLOWED_RATIO = 1.3
DATABASE = "production"
ITEMS = ("backup.complete", "backup.restores", "migrations.rehearsed", "migrations.idempotent")
APPLIED = {
    "20250101000000_init": """
        CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, email text NOT NULL,
            created_at timestamptz NOT NULL);
        CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, status text
            NOT NULL, total numeric(10, 2) NOT NULL, opened_at timestamptz NOT NULL, note text);
        CREATE TABLE order_lines (id bigint PRIMARY KEY, order_id bigint NOT NULL, sku text
            NOT NULL, quantity int NOT NULL, price numeric(10, 2) NOT NULL);
        CREATE TABLE events (id bigint PRIMARY KEY, kind text NOT NULL, body jsonb NOT NULL,
            at timestamptz NOT NULL);
        CREATE INDEX orders_by_customer ON orders (customer_id);
        CREATE INDEX orders_by_time ON orders (opened_at);
        CREATE INDEX lines_by_order ON order_lines (order_id);
        CREATE INDEX events_by_time ON events (at);
    """,
}
PENDING = {
    "20260101000000_channel": "ALTER TABLE orders ADD COLUMN channel text;\n",
    "20260102000000_channels": "CREATE TABLE channels (code text PRIMARY KEY);\n",
}
# About 1 MB with its indexes for each step of 1,000 orders; numbers that do not repeat, so that
# the backup is packed no better than a real one.
FILL = """
    INSERT INTO customers SELECT n, 'Customer ' || md5(n::text), md5((n * 7)::text) || '@example',
        now() - n * interval '1 minute' FROM generate_series(%(from)s, %(to)s) n WHERE n %% 4 = 0;
    INSERT INTO orders SELECT n, n / 4 * 4, (ARRAY['open','paid','void'])[n %% 3 + 1],
        n %% 9000 / 7.0, now() - n * interval '9 s', md5(n::text) || md5((n * 3)::text)
        FROM generate_series(%(from)s, %(to)s) n;
    INSERT INTO order_lines SELECT n, n / 3, md5(n::text), n %% 9 + 1, n %% 900 / 7.0
        FROM generate_series(%(from)s * 3, %(to)s * 3 + 2) n;
    INSERT INTO events SELECT n, 'order.changed', jsonb_build_object('order', n, 'by',
        md5(n::text), 'from', md5((n * 5)::text), 'text', repeat(md5((n * 11)::text), 3)),
        now() - n * interval '9 s' FROM generate_series(%(from)s, %(to)s) n;
"""
STEP = 20_000
NOT_PRODUCTIONS = ("owner", "privileges", "publications", "subscriptions", "tablespaces")


@dataclass
class Told:
    """When the gate said what, in seconds from its start."""

    began: float = field(default_factory=time.perf_counter)
    lines: list[tuple[float, str]] = field(default_factory=list)

    def say(self, line: str) -> None:
        self.lines.append((time.perf_counter() - self.began, line))


def main(megabytes: int = MEGABYTES) -> None:
    """Print both times, their ratio, and what the gate was doing when."""
    production = postgres.start(PASSWORD)
    with tempfile.TemporaryDirectory() as name:
        try:
            folder = Path(name)
            size = _make(production, megabytes)
            backup = _dump(production, folder)
            commit = released(folder / "product", {**APPLIED, **PENDING})
            processes = jobs(BackupTable().jobs)
            print(f"a database of {size / 1e6:,.0f} MB,", end=" ")
            print(f"its backup {backup.stat().st_size / 1e6:,.0f} MB, {processes} processes:")
            before = _processor_s()
            alone = [asyncio.run(_alone(backup, processes))]
            between = _processor_s()
            drill, told = asyncio.run(_drill(production, folder, commit))
            after = _processor_s()
            alone.append(asyncio.run(_alone(backup, processes)))
        finally:
            production.stop()
    print(f"  pg_restore alone    {alone[0]:.1f} s before, {alone[1]:.1f} s after;", end=" ")
    print(f"processors {between - before:.1f} s")
    print(f"  the drill           {drill:.1f} s; processors {after - between:.1f} s")
    for at, line in told.lines:
        print(f"      {at:6.1f} s  {line.replace(str(folder), '…')}")
    print(
        f"  ratio               {drill / min(alone):.2f}, at most {ALLOWED_RATIO} wanted;", end=" "
    )
    print(f"of processors' time {(after - between) / (between - before):.2f}")


def _processor_s() -> float:
    """Of this process and of all that it has started and seen end."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _make(cluster: postgres.Cluster, megabytes: int) -> int:
    """Production, filled up to its size; gives that in bytes."""
    cluster.create_database(DATABASE, postgres.ADMIN)
    url = cluster.url(DATABASE, postgres.ADMIN, PASSWORD)
    deploy(url, [Migration(name, text.encode()) for name, text in APPLIED.items()])
    size, first = 0, 1
    with (
        psycopg.connect(url, autocommit=True) as connection,
        psycopg.ClientCursor(connection) as cursor,
    ):
        while size < megabytes * 1_000_000:
            cursor.execute(FILL, {"from": first, "to": first + STEP - 1})
            first += STEP
            row = cursor.execute("SELECT pg_database_size(current_database())").fetchone()
            size = row[0] if row else 0
        cursor.execute("VACUUM ANALYZE")
    return size


def _dump(cluster: postgres.Cluster, folder: Path) -> Path:
    path = folder / "production.dump"
    where = f"host=127.0.0.1 port={cluster.port} user={postgres.ADMIN} dbname={DATABASE}"
    command = [cluster.programs.path("pg_dump"), "--format=custom", f"--file={path}", where]
    subprocess.run(command, env={"PGPASSWORD": PASSWORD}, check=True)
    return path


async def _alone(backup: Path, processes: int) -> float:
    """Seconds that pg_restore takes, on a server as the gate starts it."""
    keeper = Keeper()
    try:
        cluster = await keeper.server()
        cluster.create_database("alone", postgres.ADMIN)
        where = f"host=127.0.0.1 port={cluster.port} user={postgres.ADMIN} dbname=alone"
        command = [
            *(cluster.programs.path("pg_restore"), f"--jobs={processes}", f"--dbname={where}"),
            *(f"--no-{kind}" for kind in NOT_PRODUCTIONS),
            str(backup),
        ]
        began = time.perf_counter()
        done = await asyncio.create_subprocess_exec(
            *command, env={"PGPASSWORD": cluster.admin_password}
        )
        if await done.wait():
            raise SystemExit("pg_restore failed")
        return time.perf_counter() - began
    finally:
        await keeper.close()


async def _drill(production: postgres.Cluster, folder: Path, commit: str) -> tuple[float, Told]:
    """Seconds for all items of the drill together, from nothing to everything removed."""
    settings = Settings.model_validate(
        {
            "environments": {"production": {"database_env": "DB"}},
            "backup": {"path": str(folder / "*.dump")},
        }
    )
    told = Told()
    look = Context(
        settings=settings,
        release=Release("v1.5.0", commit, "production"),
        stage=Stage.PRERELEASE,
        repository=folder / "product",
        probes=Probes(settings, folder / "product"),
        once=Once(),
        environment={"DB": production.url(DATABASE, postgres.ADMIN, PASSWORD)},
        say=told.say,
    )
    # A gate has all its items imported before the first is verified.
    checks = [catalogue()[item] for item in ITEMS]
    told.began = time.perf_counter()
    try:
        seen = await asyncio.gather(*(check.verify(look) for check in checks))
    finally:
        await look.probes.close()
    took = time.perf_counter() - told.began
    for item, evidence in zip(ITEMS, seen, strict=True):
        told.say(f"{item}: {evidence.summary[:80]}")
    return took, told


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
