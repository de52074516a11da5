"""pytest-xdist over two hosts: one report, and no verdict by rules that differ.

The second host is a network namespace with folders of its own; its worker is started by a real
execnet server that listens there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.glue.other_host import Host, other_host
from tests.glue.running import Application, Gate, Ran, only_health

PORT = 8889
PATHS = tuple(f"/page-{n}" for n in range(8))
SMOKE = "\n[smoke]\nendpoints = [{}]\n".format(
    ", ".join(f'{{ get = "{path}", status = 200 }}' for path in PATHS)
)
LATENCY = """
[latency]
endpoints = ["/health", "/page-1"]
requests = 60
rate = 100
max_rate = 400
budget = 1
p95 = "10s"
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with other_host(tmp_path_factory.mktemp("host")) as host:
        yield host


@pytest.fixture
def address(host: Host) -> str:
    return host.near


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files of this host alone."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    tempfile.tempdir = None
    return tmp_path


def spread(host: Host, application: Application, elsewhere: str = "") -> tuple[str, ...]:
    elsewhere = elsewhere or f"socket={host.address}:{PORT}"
    workers = ("--dist", "load", "--tx", "popen", "--tx", elsewhere)
    return ("-m", "postrelease", f"--base-url={application.url}", *workers)


def project(pytester: pytest.Pytester, application: Application) -> None:
    application.pages = dict.fromkeys(PATHS, "{}")
    also = ("smoke.endpoint", "latency.p95")
    only_health(pytester, SMOKE + LATENCY, also)


def test_two_hosts_share_the_tests_and_have_one_report(
    gate: Gate, application: Application, pytester: pytest.Pytester, host: Host, temporary: Path
) -> None:
    project(pytester, application)

    with host.worker(PORT, temporary):
        run = gate(*spread(host, application))

    demand_one_report(run, application, host)
    # One host measures: all requests of the sample are there, and only once.
    assert Counter(application.requests)["/page-1"] <= 60 + 3
    assert list(temporary.glob("chefrelease-*")) == []


def test_a_host_that_is_reached_by_ssh_is_one_as_well(
    gate: Gate,
    application: Application,
    pytester: pytest.Pytester,
    host: Host,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project(pytester, application)
    host.ssh(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    run = gate(*spread(host, application, f"ssh=ci@other//python={sys.executable}"))

    demand_one_report(run, application, host)


def demand_one_report(run: Ran, application: Application, host: Host) -> None:
    assert run.code == 0, run.text
    assert run.last_line.startswith("GO: 11 checks passed"), run.text
    assert len(run.record()["items"]) > 11
    if host.namespace:
        asked = dict(zip(application.requests, application.visitors, strict=True))
        assert {asked[path] for path in PATHS} | {asked["/health"]} == {host.near, host.address}


def test_a_host_with_other_settings_takes_no_part(
    gate: Gate, application: Application, pytester: pytest.Pytester, host: Host
) -> None:
    project(pytester, application)
    reports = pytester.path / "reports"

    with host.worker(PORT, pytester.path):
        run = gate(*spread(host, application))

    if host.namespace:
        assert (run.code, application.requests) == (4, []), run.text
        assert "its settings are not the controller's: the same release.toml" in run.text
        assert not reports.joinpath("postrelease.json").exists()


def test_a_host_that_is_lost_leaves_no_go(
    gate: Gate, application: Application, pytester: pytest.Pytester, host: Host
) -> None:
    project(pytester, application)
    application.delay = threading.Event()

    with host.worker(PORT) as worker:
        lost = threading.Thread(target=lose, args=(worker, application))
        lost.start()
        run = gate(*spread(host, application))
        lost.join()

    assert run.code == 1, run.text
    assert run.last_line.startswith("HOLD: "), run.text
    assert "died while running verifications/" in run.text
    assert (pytester.path / "reports" / "postrelease.html").exists()


def lose(worker: subprocess.Popen[bytes], application: Application) -> None:
    """End the other host's worker while it and this host's wait for an answer."""
    until = time.monotonic() + 40
    while len(application.visitors) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    worker.kill()
    assert application.delay is not None
    application.delay.set()
