from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest

from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.rehearsal import walk
from pytest_chefrelease.rehearsal.faults import FAULTS, fault_named
from tests.rehearsal.test_whole_gate import TRIES, Report

pytestmark = pytest.mark.alone

_REHEARSE = """
import sys
from pathlib import Path
from pytest_chefrelease.rehearsal import walk
sys.exit(walk.rehearse(sys.argv[3:], serve=sys.argv[2] == "serve", reports=Path(sys.argv[1])))
"""


@contextmanager
def rehearsing(
    reports: Path, temporary: Path, *faults: str, serve: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """A rehearsal as a process of its own, whose temporary files go to a folder of ours."""
    mode = "serve" if serve else "walk"
    with subprocess.Popen(
        [sys.executable, "-c", _REHEARSE, str(reports), mode, *faults],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(30)


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder of ours with a short path: browsers put sockets into it."""
    with tempfile.TemporaryDirectory(prefix="walk-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def written(reports: Path) -> dict[str, Report]:
    """The reports that a walk left, by stage."""
    return {
        path.stem: msgspec.json.decode(path.read_bytes(), type=Report)
        for path in reports.glob("*.json")
    }


def verdicts(reports: Path) -> dict[str, str]:
    return {stage: report.verdict for stage, report in written(reports).items()}


def until(process: subprocess.Popen[str], text: str) -> list[str]:
    """The lines until one that holds a text."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if text in line:
            return lines
    pytest.fail(f"ended without {text!r}:\n" + "\n".join(lines[-20:]))


def test_the_whole_runbook_is_walked_to_go(tmp_path: Path, temporary: Path) -> None:
    for _ in range(TRIES):
        with rehearsing(tmp_path / "reports", temporary) as process:
            output, _ = process.communicate(timeout=280)
        reports = written(tmp_path / "reports").values()
        if not any(report.was_too_busy for report in reports):
            break
    else:
        pytest.fail(f"the machine was too busy to measure latency, {TRIES} times")

    assert verdicts(tmp_path / "reports") == dict.fromkeys(
        ("prerelease", "postrelease", "monitoring"), "GO"
    ), output[-3000:]
    for report in written(tmp_path / "reports").values():
        assert (report.labels("failed"), report.labels("unverified")) == ([], [])
        assert report.response.action == "proceed"
    assert process.returncode == walk.GO
    steps = [line.split()[0] for line in output.splitlines() if line.startswith("   ")]
    for step in ("Backup", "Deploy", "Migrate"):
        assert step in steps
    assert str(tmp_path / "reports" / "monitoring.html") in output
    assert list(temporary.glob("chefrelease-*")) == []


def test_a_failed_migration_stops_the_walk_after_the_deploy(
    tmp_path: Path, temporary: Path
) -> None:
    with rehearsing(tmp_path / "reports", temporary, "failed-migration") as process:
        output, _ = process.communicate(timeout=280)

    assert process.returncode == walk.NOT_GO
    assert verdicts(tmp_path / "reports") == {"prerelease": "GO", "postrelease": "NO-GO"}
    fault = fault_named("failed-migration")
    report = written(tmp_path / "reports")["postrelease"]
    assert report.labels("failed") == sorted((*fault.red, *fault.warned))
    assert report.labels("unverified") == sorted(fault.unverified)
    assert report.response.action == fault.action.value
    assert 'relation "order_channels" already exists' in output


def test_a_fault_of_the_prerelease_stops_the_walk_before_the_deploy(
    tmp_path: Path, temporary: Path
) -> None:
    with rehearsing(tmp_path / "reports", temporary, "secret-in-repository") as process:
        output, _ = process.communicate(timeout=120)

    assert process.returncode == walk.NOT_GO
    assert verdicts(tmp_path / "reports") == {"prerelease": "NO-GO"}
    assert "Backup" not in output


def test_serve_prints_what_another_terminal_needs_and_ends_with_ctrl_c(
    tmp_path: Path, temporary: Path
) -> None:
    with rehearsing(tmp_path, temporary, "health-degraded", serve=True) as process:
        said = "\n".join(until(process, "Ctrl-C"))
        exports = dict(re.findall(r"^export (\w+)='?(.*?)'?$", said, re.MULTILINE))
        url = re.search(r"--base-url=(\S+)", said)
        config = re.search(r"--release-config=(\S+)", said)
        assert url
        assert config
        health = httpx.get(f"{url[1]}/health").json()
        assert Path(config[1]).read_text().startswith("#")
        process.send_signal(signal.SIGINT)
        process.wait(20)

    assert {"DATABASE_URL", "JWT_SECRET", "GITHUB_TOKEN"} <= exports.keys()
    assert (health["status"], health["version"]) == ("degraded", "1.5.0")
    assert process.returncode == 0
    assert list(temporary.glob("chefrelease-*")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_walk_says_so_and_leaves_nothing(
    tmp_path: Path, temporary: Path, number: signal.Signals
) -> None:
    with rehearsing(tmp_path / "reports", temporary) as process:
        until(process, "== prerelease")
        time.sleep(1.0)
        process.send_signal(number)
        output, _ = process.communicate(timeout=40)

    assert process.returncode == walk.INTERRUPTED
    assert "Interrupted" in output
    assert list(temporary.glob("chefrelease-*")) == []


def test_an_unknown_fault_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such fault"):
        walk.rehearse(["no-such"], serve=False, reports=tmp_path / "reports")

    assert not (tmp_path / "reports").exists()


def test_the_list_has_a_line_for_each_fault() -> None:
    lines = walk.list_faults().splitlines()

    assert [line.split()[0] for line in lines] == [fault.name for fault in FAULTS]
    assert any("failed-migration" in line and "migrations.status" in line for line in lines)
