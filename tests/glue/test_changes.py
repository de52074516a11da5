"""What changed since the last release stands on the page of the next one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.glue.running import Application, Gate, only_health


def commit(folder: Path, message: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for command in (["init", "-q"], ["add", "release.toml"], ["commit", "-qm", message]):
        subprocess.run(["git", *who, *command], cwd=folder, check=True)


def test_what_is_newly_red_or_loosened_is_told(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    only_health(pytester, '[latency]\np95 = "300ms"\n')
    toml = pytester.path / "release.toml"
    toml.write_text(toml.read_text().replace("v1.5.0", "v1.4.2"), encoding="utf-8")
    commit(pytester.path, "fix: before")
    application.health = {"version": "1.4.2"}
    before = gate("-m", "postrelease", f"--base-url={application.url}")
    assert before.record()["verdict"] == "GO", before.text
    page = before.folder / "reports" / "postrelease.html"
    assert "Since v1.4.2" not in page.read_text(encoding="utf-8")

    text = toml.read_text().replace("v1.4.2", "v1.5.0").replace("300ms", "500ms")
    toml.write_text(text, encoding="utf-8")
    commit(pytester.path, "feat: after")
    application.status = 503
    ran = gate("-m", "postrelease", f"--base-url={application.url}")

    assert ran.record()["verdict"] == "NO-GO"
    told = page.read_text(encoding="utf-8").partition("Since v1.4.2")[2]
    assert "newly failed</b> <code>health.endpoint" in told
    assert "loosened</b> <code>latency.p95</code> 500 ms, was 300 ms" in told
    kept = sorted((ran.folder / "reports" / "evidence").glob("*/postrelease.json"))
    assert len(kept) == 2
    limits = {each["key"]: each for each in json.loads(kept[0].read_text())["limits"]}
    assert limits["latency.p95"]["unit"] == "s"
