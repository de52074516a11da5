"""The same release gets the same verdict, ids and facts, wherever and however the gate runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_chefrelease.rehearsal.faults import fault_named
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.rehearsal.walk import suite_environment
from pytest_chefrelease.runbook.item import Stage

pytestmark = pytest.mark.alone

FAULT = "health-wrong-version"
DEAR = "not browser and not latency and not login and not staging_route and not jwt"
WAYS: dict[str, tuple[tuple[str, ...], dict[str, str], str]] = {
    "workers, in India": (("-n", "2"), {"TZ": "Asia/Kolkata", "PYTHONHASHSEED": "1"}, "."),
    "C, elsewhere": (
        ("-p", "no:cacheprovider", "-p", "no:xdist"),
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Pacific/Apia"},
        "deep/folder",
    ),
}
MEASURED = re.compile(
    "_(ms|s|at|bytes)$|^request_id$|^lines$|(^|_)(requests|connections|sessions)$|^used_ratio$"
)
"""Facts that differ from one run to the next on one machine."""


def ran(
    stack: Stack, reports: Path, more: tuple[str, ...], variables: dict[str, str], where: str
) -> Any:  # noqa: ANN401 (a document)
    """The evidence of a run in a folder below the workspace."""
    command = [sys.executable, "-m", "pytest", "-m", Stage.POSTRELEASE.value, "-k", DEAR]
    command += ["--release-config", str(stack.write_release_toml()), "--base-url", stack.api_url]
    command += ["--release-reports", str(reports), "--rootdir", str(stack.workspace), *more]
    (folder := stack.workspace / where).mkdir(parents=True, exist_ok=True)
    environment = suite_environment(stack) | variables
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 1, (done.stdout + done.stderr).decode(errors="replace")[-3_000:]
    return json.loads((reports / "postrelease.json").read_text(encoding="utf-8"))


def told(document: Any) -> dict[str, object]:  # noqa: ANN401 (a document)
    """What of a run has to be the same."""
    found: dict[str, object] = {"verdict": document["verdict"], "response": document["response"]}
    for item in document["items"]:
        facts = {k: v for k, v in (item["facts"] or {}).items() if not MEASURED.search(k)}
        found[item["nodeid"]] = (item["id"], item["parameter"], item["outcome"], facts)
    return found


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack() as stack:
        stack.release()
        stack.apply(fault_named(FAULT))
        yield stack


@pytest.fixture(scope="module")
def here(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    variables = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
    return told(ran(stack, tmp_path_factory.mktemp("here"), (), variables, "."))


@pytest.mark.parametrize("way", WAYS)
def test_another_way_to_run_it_finds_the_same(
    stack: Stack, here: dict[str, object], tmp_path: Path, way: str
) -> None:
    there = told(ran(stack, tmp_path, *WAYS[way]))

    assert here["verdict"] == "NO-GO"
    assert sorted(there.keys() ^ here.keys()) == []
    assert [f"{k}: {here[k]} there {v}" for k, v in there.items() if here[k] != v] == []
