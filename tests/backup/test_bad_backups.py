"""Backups and machines that are not as they should be: each ends in one clear line, and is clean.

Nothing of a restore stays, however it ends.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_chefrelease.checks.backup import reading
from pytest_chefrelease.probes.backups.contents import Contents, read_contents
from pytest_chefrelease.probes.scratch.migrate import Migration
from pytest_chefrelease.probes.scratch.stepwise import Database as Scratch
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.backup.given import ROWS, dump, fill
from tests.checks.verified import settings_for, verify
from tests.probes.databases import PASSWORD, Database, Server, server

SLOW = """
    CREATE FUNCTION slow(integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE TABLE waiting (id integer CHECK (slow(id)));
    INSERT INTO waiting VALUES (1);
    CREATE OR REPLACE FUNCTION slow(integer) RETURNS boolean LANGUAGE sql AS
        'SELECT coalesce(pg_sleep(60)::text, $1::text) IS NOT NULL';
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with server() as started:
        yield started


@pytest.fixture(scope="module")
def filled(running: Server) -> Database:
    return fill(running.database())


@pytest.fixture(autouse=True)
def scratch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Where temporary folders are made; nothing may be left in it."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def look(database: Database, path: Path, item: str = "backup.restores", **backup: object) -> Result:
    settings = settings_for(
        environments={"production": {"database_env": "DB"}}, backup={"path": str(path), **backup}
    )
    given = {"DB": database.url}
    return asyncio.run(verify(item, None, settings, stage=Stage.PRERELEASE, environment=given))


def assert_outcome(result: Result, outcome: Outcome, *said: str) -> None:
    text = f"{result.summary} {result.remedy}"
    assert result.outcome is outcome, text
    assert [part for part in said if part not in text] == [], text
    assert "\n" not in result.summary
    assert PASSWORD not in repr(result)


def test_plain_sql_is_restored_by_psql(filled: Database, tmp_path: Path) -> None:
    path = dump(filled, tmp_path / "production.sql")

    result = look(filled, path)

    assert_outcome(result, Outcome.PASSED, "as many as in the backup")
    assert result.evidence is not None
    assert result.evidence.facts["rows"] == sum(ROWS.values())


def test_sql_that_psql_would_obey_is_not_restored(filled: Database, tmp_path: Path) -> None:
    path = dump(filled, tmp_path / "production.sql")
    path.write_text(f"{path.read_text()}\n\\! touch {tmp_path}/owned\n")

    result = look(filled, path)

    assert_outcome(result, Outcome.UNVERIFIED, "the backup holds a command that psql would run")
    assert not (tmp_path / "owned").exists()


def test_an_extension_that_is_not_here_is_named(filled: Database, tmp_path: Path) -> None:
    path = dump(filled, tmp_path / "production.sql")
    text = path.read_text()
    extension = "CREATE EXTENSION IF NOT EXISTS moonphases WITH SCHEMA public;\n"
    path.write_text(text.replace("CREATE TABLE", extension + "CREATE TABLE", 1))

    result = look(filled, path)

    assert_outcome(
        result,
        Outcome.UNVERIFIED,
        "the backup needs the extension moonphases",
        "CHEFRELEASE_POSTGRES_BIN",
    )


def test_too_little_room_is_told_before_anything_is_restored(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = dump(filled, tmp_path / "production.dump", "--format=custom")
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1_000_000))

    result = look(filled, path)

    assert_outcome(result, Outcome.UNVERIFIED, "restoring needs ", "1.0 MB are free", "TMPDIR")


def test_a_backup_that_is_written_while_it_is_read_is_no_evidence(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = dump(filled, tmp_path / "production.dump", "--format=custom")

    def read(where: Path, is_wanted: object) -> Contents | None:
        contents = read_contents(where)
        with path.open("ab") as file:
            file.write(b"more")
        return contents

    monkeypatch.setattr(reading, "read_contents", read)

    for item in ("backup.complete", "backup.restores"):
        result = look(filled, path, item)
        assert_outcome(result, Outcome.UNVERIFIED, "was written to while it was read")


def test_a_truncated_backup_is_not_restored_to_a_pass(filled: Database, tmp_path: Path) -> None:
    path = dump(filled, tmp_path / "production.dump", "--format=custom")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 9 // 10])

    assert_outcome(look(filled, path), Outcome.FAILED, "the newest backup is not whole")


def test_a_script_of_50_megabytes_is_run_in_one_piece(running: Server) -> None:
    database = running.database()
    script = b"CREATE TABLE large (id int);\n" + b"-- %s\n" % (b"x" * 96) * 520_000
    script += b"INSERT INTO large VALUES (1);\n"
    url = running.cluster.url(database.name, "rehearsal", PASSWORD)
    began = time.monotonic()

    step = asyncio.run(Scratch(url).apply(Migration("20250101000000_large", script), 60))

    assert (step.error, len(step.statements)) == ("", 1)
    assert time.monotonic() - began < 30


def test_a_restore_that_is_broken_off_leaves_nothing(
    running: Server, tmp_path: Path, reachable: Path
) -> None:
    database = running.database()
    database.execute(SLOW)
    dump(database, tmp_path / "production.dump", "--format=custom")
    lines = ['[environments.production]\ndatabase_env = "DB"', '[backup]\npath = "*.dump"']
    (tmp_path / "release.toml").write_text("\n".join(lines), encoding="utf-8")
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "prerelease"),
            *("--release-item", "backup.restores"),
        ],
        cwd=tmp_path,
        env={**os.environ, "DB": database.url, "TMPDIR": str(reachable)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        ended = threading.Timer(200, process.kill)
        ended.start()
        for line in process.stdout:
            if "restoring " in line:
                break
        until = time.monotonic() + 60
        while not pid_files(reachable) and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(1)
        (server_pid,) = (int(path.read_text().split()[0]) for path in pid_files(reachable))
        process.send_signal(signal.SIGINT)
        text = process.stdout.read()
        ended.cancel()

    assert process.returncode == 2, text
    assert "HOLD" in text
    with pytest.raises(ProcessLookupError):
        os.kill(server_pid, 0)
    assert list(reachable.glob("chefrelease*")) == []


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A temporary folder that PostgreSQL's account can enter, with a path that fits its socket."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def pid_files(folder: Path) -> list[Path]:
    return list(folder.rglob("postmaster.pid"))
