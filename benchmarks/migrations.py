"""What the status of 1,000 migrations costs beyond that of one: at most 0.3 s is wanted."""

from __future__ import annotations

import asyncio
import hashlib
import statistics
import tempfile
import time
from pathlib import Path

import psycopg

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.probes.scratch import server as postgres
from pytest_chefrelease.probes.scratch.migrate import HISTORY_TABLE
from pytest_chefrelease.rehearsal.repository import git
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import Settings

MANY = 1_000
ROUNDS = 5
ALLOWED_S = 0.3
PASSWORD = "benchmark"


def main() -> None:
    """Print the time of migrations.status for one migration and for many, and the difference."""
    cluster = postgres.start(PASSWORD, settings={})
    try:
        with tempfile.TemporaryDirectory() as name:
            few = _measured(cluster, Path(name) / "few", 1)
            many = _measured(cluster, Path(name) / "many", MANY)
    finally:
        cluster.stop()
    print(f"migrations.status, median of {ROUNDS}:")
    print(f"  1 migration        {few:.3f} s")
    print(f"  {MANY:,} migrations   {many:.3f} s")
    print(f"  difference         {many - few:.3f} s, at most {ALLOWED_S} s wanted")


def _measured(cluster: postgres.Cluster, folder: Path, count: int) -> float:
    scripts = {f"2025{n:010}_step": f"CREATE TABLE t{n} (id int);\n" for n in range(count)}
    commit = released(folder, scripts)
    url = _applied(cluster, f"steps{count}", scripts)
    settings = Settings.model_validate({"environments": {"production": {"database_env": "DB"}}})
    times = []
    for _ in range(ROUNDS):
        look = Context(
            settings=settings,
            release=Release("v1.5.0", commit, "production"),
            stage=Stage.POSTRELEASE,
            repository=folder,
            probes=Probes(settings, folder),
            once=Once(),
            environment={"DB": url},
        )
        began = time.perf_counter()
        seen = asyncio.run(_verified(look))
        times.append(time.perf_counter() - began)
        if seen != count:
            raise SystemExit(f"{seen} of {count} migrations were seen as applied")
    return statistics.median(times)


async def _verified(look: Context) -> object:
    evidence = await catalogue()["migrations.status"].verify(look)
    return evidence.facts["applied"]


def released(folder: Path, scripts: dict[str, str]) -> str:
    """A repository with these migrations; gives its commit."""
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "config", "user.name", "Benchmark")
    git(folder, "config", "user.email", "benchmark@chefcloud.example")
    for name, text in scripts.items():
        file = folder / "packages/db/prisma/migrations" / name / "migration.sql"
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Steps")
    return git(folder, "rev-parse", "HEAD")


def _applied(cluster: postgres.Cluster, name: str, scripts: dict[str, str]) -> str:
    cluster.create_role(name, PASSWORD)
    cluster.create_database(name, name)
    url = cluster.url(name, name, PASSWORD)
    insert = (
        "INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at)"
        " VALUES (gen_random_uuid()::text, %s, %s, now(), now())"
    )
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(HISTORY_TABLE.encode())
        rows = [(hashlib.sha256(text.encode()).hexdigest(), n) for n, text in scripts.items()]
        cursor.executemany(insert, rows)
    return url


if __name__ == "__main__":
    main()
