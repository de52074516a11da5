"""A database with something in it, and backups of it taken by pg_dump."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.probes.databases import PASSWORD, Database

ROWS = {"public.orders": 500, 'kitchen.the "dish"': 3, "public.empty": 0}


def fill(database: Database) -> Database:
    """Three tables, one of them of another schema and with a name that wants quotes."""
    database.execute(
        "CREATE SCHEMA kitchen; CREATE TABLE empty (id int);"
        "CREATE TABLE orders AS SELECT n AS id, E'a\\nb' AS note"
        " FROM generate_series(1, 500) AS n;"
        'CREATE TABLE kitchen."the ""dish""" AS SELECT generate_series(1, 3) AS id;'
    )
    return database


def dump(database: Database, path: Path, *options: str) -> Path:
    """Take a backup."""
    cluster = database.server.cluster
    where = f"host=127.0.0.1 port={cluster.port} user=rehearsal dbname={database.name}"
    subprocess.run(
        [cluster.programs.path("pg_dump"), *options, f"--file={path}", where],
        env={"PGPASSWORD": PASSWORD, "TZ": "UTC"},
        check=True,
    )
    return path
