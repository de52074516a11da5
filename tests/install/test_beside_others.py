"""The wheel in other people's environments: their tests run as before, and the gate works."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.install.environment import NEIGHBOURS, Environment, Ran
from tests.install.shop import CHECKS, make_monorepo

_OUTCOME = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS|RERUN) (\S+)", re.MULTILINE)


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    """Ours beside all the plugins that a project may have."""
    path = tmp_path_factory.mktemp("crowded") / "a venv"
    return Environment.make(path, wheel, "--requirement", str(NEIGHBOURS))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_monorepo(tmp_path_factory.mktemp("shop"), with_tests=True)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_monorepo(tmp_path_factory.mktemp("plain"), with_tests=False)


def record(folder: Path, stage: str = "prerelease", part: str = "") -> dict[str, Any]:
    path = folder / "reports" / part / f"{stage}.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def outcomes(folder: Path, part: str = "") -> dict[str, str]:
    return {item["nodeid"]: item["outcome"] for item in record(folder, part=part)["items"]}


def counted(ran: Ran) -> int:
    """How many results pytest's own last counts name."""
    line = next(line for line in reversed(ran.text.splitlines()) if re.search(r" in \d", line))
    words = re.findall(r"(\d+) (passed|failed|unverified|not applicable|warned|rerun)", line)
    return sum(int(number) for number, _ in words)


def test_the_projects_own_tests_run_as_before(crowded: Environment, shop: Path) -> None:
    reports = sorted(shop.glob("reports/**"))
    before = crowded.run("pytest", "-rA", "-p", "no:chefrelease", cwd=shop)
    after = crowded.run("pytest", "-rA", cwd=shop)

    assert before.code == 0, before.text
    assert after.code == 0, after.text
    assert sorted(_OUTCOME.findall(after.text)) == sorted(_OUTCOME.findall(before.text))
    assert f"{CHECKS} passed, 1 rerun" in after.text
    assert "Required test coverage of 90% reached" in after.text
    assert sorted(shop.glob("reports/**")) == reports


def test_the_gate_says_the_same_beside_them(
    crowded: Environment, bare: Environment, shop: Path, plain: Path
) -> None:
    expected = bare.run("pytest", "-m", "prerelease", cwd=plain)
    ran = crowded.run("pytest", "-m", "prerelease", cwd=shop)
    found = outcomes(shop)
    assert found == outcomes(plain), ran.text
    assert (ran.code, ran.last_line) == (expected.code, expected.last_line)
    # Not one was run twice, nor is its own report a change of the release.
    assert counted(ran) == len(found) > 60
    assert found["verifications/test_version.py::test_version_clean_tree"] == "passed"

    again = crowded.run("pytest", "-m", "prerelease", "-n", "2", cwd=shop)

    assert outcomes(shop) == found, again.text
    assert again.last_line == ran.last_line


def test_what_the_project_says_to_its_own_options_is_not_the_release(
    crowded: Environment, shop: Path
) -> None:
    ran = crowded.run("pytest", "-m", "postrelease", "--release-item=health.endpoint", cwd=shop)

    [health] = [i for i in record(shop, "postrelease")["items"] if i["id"] == "health.endpoint"]
    assert health["outcome"] == "unverified", ran.text
    assert "no api address is configured" in health["summary"]

    typed = ("--base-url=http://127.0.0.1:1", "--release-item=health.endpoint")
    ran = crowded.run("pytest", "-m", "postrelease", *typed, cwd=shop)

    [health] = [i for i in record(shop, "postrelease")["items"] if i["id"] == "health.endpoint"]
    assert "127.0.0.1:1" in str(health), ran.text


def test_shards_that_are_shuffled_are_a_whole_together(crowded: Environment, shop: Path) -> None:
    gate = ("pytest", "-m", "prerelease")
    crowded.run(*gate, "--release-reports=reports/whole", cwd=shop)
    for part in ("1", "2"):
        reports = f"--release-reports=reports/{part}"
        crowded.run(*gate, f"--release-shard={part}/2", reports, cwd=shop)

    merged = crowded.run(
        "chefrelease", "merge", "reports/1", "reports/2", "--reports=reports/all", cwd=shop
    )

    assert outcomes(shop, "all") == outcomes(shop, "whole"), merged.text
    assert "left out" not in merged.text
