"""60 HTTP checks, each answered after 200 ms: the gate against a bare script, and others.

The bare script starts pytest and awaits the 60 requests at once in one test: what the gate
adds to that is its own cost. Whole processes, run in turn; medians and their ratios.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.known_server import Server

REQUESTS = 60
ROUNDS = 5
ALLOWED_RATIO = 1.4

_BARE = """
import asyncio, os
import httpx
async def ask():
    async with httpx.AsyncClient() as client:
        url = os.environ["BENCH_URL"] + "/health?"
        return await asyncio.gather(*(client.get(f"{url}{i}") for i in range(60)))
def test_all_at_once():
    assert all(answer.status_code == 200 for answer in asyncio.run(ask()))
"""
_SERIAL = """
import os
import httpx
import pytest
@pytest.mark.parametrize("i", range(60))
def test_one(i):
    assert httpx.get(os.environ["BENCH_URL"] + f"/health?{i}").status_code == 200
"""


def main() -> None:
    """Print the medians and the ratio that the gate is allowed."""
    with tempfile.TemporaryDirectory() as name, Server(latencies_ms=(200.0,)) as server:
        folder = Path(name)
        write_project(folder, server.url)
        environment = {**os.environ, "BENCH_URL": server.url}
        # An installed package is compiled once; a checkout is too, unless this forbids it.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        # Installed for this project's tests only; users' environments rarely have it loaded.
        quiet = ["-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
        gate = [*quiet, "-m", "postrelease", "--base-url", server.url]
        gate += ["--release-item", "smoke.endpoint"]
        commands = {
            "the gate": gate,
            "bare script, all at once": [*quiet, "-p", "no:chefrelease", "bare_test.py"],
            "pytest-xdist, 8 workers": [
                *quiet,
                "-p",
                "no:chefrelease",
                "-n",
                "8",
                "serial_test.py",
            ],
        }
        times: dict[str, list[float]] = {label: [] for label in commands}
        for arguments in commands.values():  # not counted: compiles, and warms the disk
            _run(arguments, folder, environment)
        for _ in range(ROUNDS):
            for label, arguments in commands.items():
                times[label].append(_run(arguments, folder, environment))
    bare = statistics.median(times["bare script, all at once"])
    print(f"{REQUESTS} checks, answered after 200 ms, {ROUNDS} rounds, whole process:")
    for label, seconds in times.items():
        median = statistics.median(seconds)
        print(f"  {label:<28} {median:6.2f} s   {median / bare:5.2f} of the bare script")
    ratio = statistics.median(times["the gate"]) / bare
    print(f"  ratio {ratio:.2f}, at most {ALLOWED_RATIO} is wanted")


def write_project(folder: Path, url: str) -> None:
    """A release.toml with so many smoke endpoints, and the same checks as two plain test files."""
    lines = ["[release]", 'version = "v1.5.0"', "[environments.production]", f'api = "{url}"']
    lines += ["[http]", f"max_per_host = {REQUESTS}", "[smoke]", "endpoints = ["]
    lines += [f'  {{ get = "/health?{i}", status = 200 }},' for i in range(REQUESTS)]
    folder.joinpath("release.toml").write_text("\n".join([*lines, "]", ""]), encoding="utf-8")
    folder.joinpath("bare_test.py").write_text(_BARE, encoding="utf-8")
    folder.joinpath("serial_test.py").write_text(_SERIAL, encoding="utf-8")


def _run(arguments: list[str], folder: Path, environment: dict[str, str]) -> float:
    """Seconds of one whole process. Raises RuntimeError where it did not do its work."""
    command = [sys.executable, "-m", "pytest", *arguments]
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    # A selection of items is partial, so that its verdict is HOLD: exit code 1, none failed.
    if " failed" in done.stdout or " error" in done.stdout or " passed" not in done.stdout:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    return seconds


if __name__ == "__main__":
    main()
