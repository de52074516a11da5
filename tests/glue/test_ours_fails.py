"""Where this machine is what fails, the release is held, in one clear line and by no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.glue.running import Application, Gate, Ran, only_health

STAGE = ("-m", "postrelease")
NO_FILES = """
import asyncio, os, resource, threading
import pytest
from msgspec.structs import force_setattr
from pytest_chefrelease.checks.declare import catalogue

check = catalogue()["health.endpoint"]
really = check.verify

waits = threading.Event()

@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop():
    waits.set()

async def verify(look):
    while not waits.is_set():
        await asyncio.sleep(0.5)  # what pytest itself opens is open by then
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    try:
        return await really(look)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for number in taken:
            os.close(number)

force_setattr(check, "verify", verify)
"""
TAKEN_AWAY = """
import shutil
from pathlib import Path

def pytest_collection_finish():
    shutil.rmtree("reports")
    Path("reports").write_text("a file")
"""


def started(folder: Path, shell: str, *arguments: str) -> Ran:
    """A run of the gate behind a line of the shell's."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *STAGE, *arguments]
    done = subprocess.run(
        ["sh", "-c", f'{shell}; exec "$@"', "sh", *command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "CI"},
    )
    return Ran(done.returncode, done.stdout, folder)


def test_a_limit_of_open_files_that_is_too_low_is_said_before_anything_is_verified(
    application: Application, pytester: pytest.Pytester
) -> None:
    only_health(pytester)

    ran = started(pytester.path, "ulimit -n 60", f"--base-url={application.url}")

    assert ran.code == 4, ran.text
    assert "ERROR: ulimit -n: 60 files may be open at once here" in ran.text
    assert "Traceback" not in ran.text
    assert application.requests == []


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "xdist"])
def test_running_out_of_files_says_nothing_of_the_application(
    gate: Gate, application: Application, pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    only_health(pytester)
    pytester.makeconftest(NO_FILES)

    ran = gate(*STAGE, f"--base-url={application.url}", *workers)

    assert ran.code == 1, ran.text
    record = ran.record()
    (health,) = (item for item in record["items"] if item["id"] == "health.endpoint")
    assert (health["outcome"], record["verdict"]) == ("unverified", "HOLD")
    assert "no more files and connections can be opened here" in ran.last_line
    assert "ulimit -n" in health["remedy"]
    assert record["response"]["action"] != "roll back"
    assert "Traceback" not in ran.text


@pytest.mark.parametrize("where", ["reports", "reports/deep", "/proc/reports"])
def test_a_folder_for_reports_that_cannot_be_one_is_said_first(
    gate: Gate, application: Application, pytester: pytest.Pytester, where: str
) -> None:
    only_health(pytester)
    pytester.path.joinpath("reports").write_text("a file of somebody's")

    ran = gate(*STAGE, f"--base-url={application.url}", f"--release-reports={where}")

    assert ran.code == 4, ran.text
    assert "ERROR: --release-reports: " in ran.text
    assert "cannot be written: " in ran.text
    assert "Traceback" not in ran.text
    assert application.requests == []
    assert pytester.path.joinpath("reports").read_text() == "a file of somebody's"


def test_a_folder_for_reports_that_is_taken_away_meanwhile_holds(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    only_health(pytester)
    pytester.makeconftest(TAKEN_AWAY)

    ran = gate(*STAGE, f"--base-url={application.url}")

    assert ran.code == 1, ran.text
    assert "postrelease.json was not written: " in ran.text
    assert ran.last_line.startswith("HOLD: The run was not completed: its reports could not")
    assert "Traceback" not in ran.text


KILLED = """
import os, signal
from msgspec.structs import force_setattr
from pytest_chefrelease.checks.declare import catalogue

async def verify(look):
    os.kill(os.getpid(), signal.SIGKILL)

force_setattr(catalogue()["health.endpoint"], "verify", verify)
"""


def test_a_killed_worker_leaves_nothing_behind(
    gate: Gate,
    application: Application,
    pytester: pytest.Pytester,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    only_health(pytester)
    pytester.makeconftest(KILLED)
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary))

    ran = gate(*STAGE, f"--base-url={application.url}", "-n", "2")

    assert ran.record()["verdict"] == "HOLD"
    # pytest's own folder, and templates in compiled form, which the next run finds there.
    kept = ("pytest-of-", "_jinja2-cache-")
    assert [path.name for path in temporary.iterdir() if not path.name.startswith(kept)] == []
