from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import httpx
import psycopg
import pytest

from pytest_chefrelease.rehearsal.chefcloud.tokens import issue
from pytest_chefrelease.rehearsal.intercept import Intercept
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.settings.load import load_settings


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that ended and was not waited for still answers.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def _wait_until_gone(pids: list[int], paths: list[Path], limit_s: float = 15.0) -> None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if not any(map(_is_alive, pids)) and not any(path.exists() for path in paths):
            return
        time.sleep(0.05)
    left = [pid for pid in pids if _is_alive(pid)], [path for path in paths if path.exists()]
    pytest.fail(f"still there after {limit_s} s: {left}")


def test_production_starts_at_the_previous_version_and_staging_at_the_release(
    stack: Stack, http: httpx.Client
) -> None:
    production = http.get(f"{stack.api_url}/health").json()
    staging = http.get(f"{stack.staging_api_url}/health").json()

    assert production["version"] == "1.4.2"
    assert staging["version"] == "1.5.0"
    assert staging["commit"] == stack.repository.git("rev-parse", "v1.5.0^{commit}")


def test_a_release_brings_production_to_the_new_version(stack: Stack, http: httpx.Client) -> None:
    deployment = stack.release()

    assert deployment.applied == ("20261116090000_order_channels",)
    assert http.get(f"{stack.api_url}/health").json()["version"] == "1.5.0"


def test_reset_takes_faults_away_and_keeps_the_release(released: Stack, http: httpx.Client) -> None:
    released.intercept(Intercept("production-api", "/health", status=500))
    released.refuse("production-web")
    released.production.execute("DROP TABLE orders CASCADE")
    released.environment.pop("JWT_SECRET")
    released.touch_repository().git("tag", "--delete", "v1.5.0")

    released.reset()

    assert http.get(f"{released.api_url}/health").json()["version"] == "1.5.0"
    assert http.get(released.web_url).status_code == 200
    with psycopg.connect(released.production.url) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (240,)
    assert len(released.environment["JWT_SECRET"]) >= 32
    assert released.repository.git("describe", "--tags", "--abbrev=0") == "v1.5.0"


def test_maintenance_answers_503_with_retry_after_and_health_goes_on(
    stack: Stack, http: httpx.Client
) -> None:
    stack.maintenance(is_on=True)

    for url in (f"{stack.web_url}/", f"{stack.api_url}/inventory/items"):
        answer = http.get(url)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
    assert http.get(f"{stack.api_url}/health").status_code == 200

    stack.maintenance(is_on=False)
    assert http.get(f"{stack.web_url}/").status_code == 200


def test_a_backup_is_an_archive_of_every_table(stack: Stack) -> None:
    backup = stack.backup()

    program = stack.postgres_programs.path("pg_restore")
    listed = subprocess.run([program, "--list", backup], capture_output=True, text=True, check=True)
    assert listed.stdout.count("TABLE DATA") == 11
    assert "Dumped from database version" in listed.stdout


def test_release_toml_is_toml_that_names_the_stack_and_no_secret(stack: Stack) -> None:
    text = stack.release_toml
    document = tomllib.loads(text)

    assert document["environments"]["production"]["api"] == stack.api_url
    assert document["ci"]["api_url"] == stack.github_url
    secret = [stack.environment[name] for name in ("JWT_SECRET", "DATABASE_URL", "GITHUB_TOKEN")]
    assert not any(value in text for value in secret)


def test_release_toml_is_accepted_by_the_gate(stack: Stack) -> None:
    config = str(stack.write_release_toml())

    settings = load_settings(stack.workspace, {}, {}, config).settings

    assert settings.target.api == stack.api_url
    assert settings.latency.requests == 300


def test_two_stacks_share_no_secret(stack: Stack) -> None:
    with Stack() as other:
        for name in ("JWT_SECRET", "WH_SECRET", "SENTRY_DSN", "GITHUB_TOKEN", "DATABASE_URL"):
            assert stack.environment[name] != other.environment[name]
        token = issue(1, "smoke@chefcloud.example", other.environment["JWT_SECRET"])
        answer = httpx.get(f"{stack.api_url}/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401


def test_stop_leaves_no_process_and_no_file() -> None:
    stack = Stack()
    with stack:
        pids = stack.pids
        paths = [stack.workspace, stack.database_log.parent]
        assert all(map(_is_alive, pids))
        assert all(path.exists() for path in paths)

    _wait_until_gone(pids, paths)


def test_a_failure_inside_the_block_stops_everything_too() -> None:
    stack = Stack()
    seen: list[int] = []

    def fail() -> None:
        with stack:
            seen.extend(stack.pids)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    paths = [stack.workspace, stack.database_log.parent]
    assert seen

    _wait_until_gone(seen, paths)


def test_a_given_workspace_is_kept(tmp_path: Path) -> None:
    with Stack(tmp_path / "here") as stack:
        stack.write_release_toml()

    assert (tmp_path / "here" / "release.toml").exists()


_KILLED = """
import os, signal, sys
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.settings.load import load_settings
with Stack() as stack:
    print(*stack.pids, stack.workspace, stack.database_log.parent, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_outlives_a_killed_rehearsal(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        *numbers, workspace, database = process.stdout.readline().split()
        process.send_signal(number)
        process.wait(15)

    _wait_until_gone([int(pid) for pid in numbers], [Path(workspace), Path(database)])
