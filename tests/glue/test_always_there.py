"""However a run ends, its report says what is incomplete, and no older GO stands in its place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.glue.running import Application, Gate, Ran, only_health

STAGE = ("-m", "postrelease")
INSTEAD = """
import asyncio, os, signal, sys
from msgspec.structs import force_setattr
from pytest_chefrelease.checks.declare import catalogue

async def verify(look):
    {body}

force_setattr(catalogue()["health.endpoint"], "verify", verify)
"""


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("postrelease.*")}


def says_go(files: dict[str, bytes]) -> bool:
    signs = (b'"verdict": "GO"', b'name="verdict" value="GO"', b"<title>GO")
    return any(sign in data for data in files.values() for sign in signs)


def page(ran: Ran) -> str:
    return (ran.folder / "reports" / "postrelease.html").read_text(encoding="utf-8")


def suite_properties(ran: Ran) -> dict[str | None, str | None]:
    root = ET.parse(ran.folder / "reports" / "postrelease.xml").getroot()
    return {p.get("name"): p.get("value") for p in root.iterfind("testsuite/properties/property")}


@pytest.fixture
def older(gate: Gate, application: Application, pytester: pytest.Pytester) -> dict[str, bytes]:
    """The files of an older run that was GO."""
    only_health(pytester)
    ran = gate(*STAGE, f"--base-url={application.url}")
    files = files_of(ran.folder / "reports")
    assert all(says_go({name: data}) for name, data in files.items())
    return files


def piped(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "CI"},
    )


def ended(process: subprocess.Popen[str], folder: Path) -> Ran:
    try:
        text, _ = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Ran(process.returncode, text, folder)


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT] * 3])
def test_a_run_told_to_end_writes_its_report_and_holds(
    application: Application, pytester: pytest.Pytester, signals: list[signal.Signals]
) -> None:
    only_health(pytester)
    application.delay = threading.Event()
    process = piped(pytester.path, *STAGE, f"--base-url={application.url}")
    deadline = time.monotonic() + 30
    while not application.requests and time.monotonic() < deadline:
        time.sleep(0.05)

    for number in signals:
        process.send_signal(number)
        time.sleep(0.2)
    ran = ended(process, pytester.path)

    assert ran.code == 2, ran.text
    assert ran.record()["verdict"] == suite_properties(ran)["verdict"] == "HOLD"
    assert "health.endpoint" in ran.record()["run"]["left_out"]
    assert "Not verified in this run: " in page(ran)
    assert ran.last_line.startswith("HOLD: The run was not completed: it was interrupted")


def test_a_killed_worker_holds_whatever_it_was_verifying(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    only_health(pytester)
    body = "os.kill(os.getpid(), signal.SIGKILL)"
    pytester.makeconftest(INSTEAD.format(body=body))

    ran = gate(*STAGE, f"--base-url={application.url}", "-n", "2")

    assert ran.code == 1, ran.text
    record = ran.record()
    found = [item for item in record["items"] if item["id"] == "health.endpoint"]
    assert [item["outcome"] for item in found] == ["unverified"]
    assert "its worker process died" in found[0]["summary"]
    assert record["verdict"] == "HOLD"
    assert "died while running" in ran.last_line
    assert "its worker process died" in page(ran)


@pytest.mark.parametrize(
    "body",
    ["raise RuntimeError('secret-looking')", "sys.exit(0)", "await asyncio.create_task(leave())"],
)
def test_a_defect_in_one_check_leaves_the_others_and_the_report(
    gate: Gate, application: Application, pytester: pytest.Pytester, body: str
) -> None:
    only_health(pytester, also="migrations.status")
    leave = "async def leave():\n    sys.exit(0)\n"
    pytester.makeconftest(INSTEAD.format(body=body) + leave)

    ran = gate(*STAGE, f"--base-url={application.url}")

    record = ran.record()
    found = {item["id"]: item for item in record["items"]}
    assert "a defect in the check itself" in found["health.endpoint"]["summary"]
    assert "secret-looking" not in json.dumps(record)
    assert found["migrations.status"]["outcome"] == "unverified"
    assert (ran.code, record["verdict"]) == (1, "HOLD")


def test_an_internal_error_of_pytest_is_said_in_the_report(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    only_health(pytester)
    pytester.makepyfile(broken="def pytest_runtest_logreport(report): raise RuntimeError('ours')")

    ran = gate(*STAGE, f"--base-url={application.url}", "-p", "broken")

    assert ran.code == 3
    assert ran.record()["verdict"] == suite_properties(ran)["verdict"] == "HOLD"
    assert "an internal error ended it" in ran.last_line


def test_a_failing_teardown_beside_the_items_is_not_go(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    only_health(pytester)
    pytester.makeconftest(
        "import pytest\n@pytest.fixture(autouse=True)\ndef broken():\n    yield\n    assert not 1\n"
    )
    ran = gate(*STAGE, f"--base-url={application.url}")
    assert (ran.code, ran.record()["verdict"]) == (1, "NO-GO")


FULL = """
import resource

def pytest_collection_finish():
    resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))
"""


@pytest.mark.parametrize("fits", ["nothing", "all but the page"])
def test_a_full_disk_is_said_holds_and_keeps_the_older_report_whole(
    application: Application, pytester: pytest.Pytester, older: dict[str, bytes], fits: str
) -> None:
    sizes = {name.rpartition(".")[2]: len(data) for name, data in older.items()}
    smaller = max(sizes["json"], sizes["xml"]) + 5_000
    assert smaller < sizes["html"]
    pytester.makeconftest(FULL.format(limit=smaller if fits != "nothing" else 100))

    ran = ended(piped(pytester.path, *STAGE, f"--base-url={application.url}"), pytester.path)

    assert ran.code == 1, ran.text
    assert "postrelease.html was not written: File too large" in ran.text
    assert "the older report is whole in reports/previous/" in ran.text
    assert ran.last_line.startswith("HOLD: The run was not completed: its reports could not")
    assert files_of(pytester.path / "reports" / "previous") == older
    left = files_of(pytester.path / "reports")
    assert set(left) == (set() if fits == "nothing" else {"postrelease.json", "postrelease.xml"})
    assert not says_go(left)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--no-such-option"], 4),
        (["--release-config=absent.toml"], 4),
        (["--watch=soon"], 4),
        (["no/such/file.py"], 4),
        (["--release-item=nothing.*"], 5),
    ],
    ids=["typing error", "no settings", "mistake in settings", "no such file", "nothing selected"],
)
def test_no_older_go_stands_after_a_run_that_verified_nothing(
    gate: Gate,
    application: Application,
    pytester: pytest.Pytester,
    older: dict[str, bytes],
    arguments: list[str],
    code: int,
) -> None:
    ran = gate(*STAGE, f"--base-url={application.url}", *arguments)

    assert ran.code == code
    assert files_of(ran.folder / "reports" / "previous") == older
    assert not says_go(files_of(ran.folder / "reports"))


def test_no_older_go_stands_after_a_run_that_was_killed(
    application: Application, pytester: pytest.Pytester, older: dict[str, bytes]
) -> None:
    pytester.makeconftest(INSTEAD.format(body="os.kill(os.getpid(), signal.SIGKILL)"))

    ran = ended(piped(pytester.path, *STAGE, f"--base-url={application.url}"), pytester.path)

    assert ran.code == -signal.SIGKILL
    assert "postrelease.json" not in files_of(pytester.path / "reports")
    assert files_of(pytester.path / "reports" / "previous") == older


def test_looking_at_the_checklist_leaves_the_reports_where_they_are(
    gate: Gate, application: Application, older: dict[str, bytes]
) -> None:
    ran = gate(*STAGE, "--collect-only")
    assert files_of(ran.folder / "reports") == older


def test_nothing_selected_is_held_in_words(gate: Gate, application: Application) -> None:
    ran = gate(*STAGE, f"--base-url={application.url}", "--release-item=nothing.*")
    assert ran.record()["verdict"] == "HOLD"
    assert "partial" in page(ran)
