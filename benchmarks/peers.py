"""60 HTTP checks, each answered after 200 ms: the gate against what others check HTTP with.

Whole processes, in turn, medians of rounds and their ratios. Tavern is installed into an
environment of its own, since it does not load beside this project's pytest; goss, Hurl and
others are measured where they are on PATH, and named as not measured otherwise.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gate import REQUESTS, write_project
from benchmarks.known_server import Server

ROUNDS = 3
_TAVERN = ("tavern==3.7.1", "pytest==8.4.2")
_QUIET = "-q -p no:cacheprovider"
_STAGE = """---
test_name: Ask {i}
stages:
  - name: ask
    request: {{url: "{url}?{i}", method: GET}}
    response: {{status_code: 200}}
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A way of asking: its command as it is typed, and the code that says all is well.

    The gate's is 1: a selection of items is HOLD.
    """

    label: str
    command: str
    code: int = 0
    says: str = ""


def main() -> None:
    """Print a table, with the commands, and who could not be measured."""
    with tempfile.TemporaryDirectory() as name, Server(latencies_ms=(200.0,)) as server:
        folder = Path(name)
        write_project(folder, server.url)
        _write_others(folder, server.url)
        peers, absent = _peers(folder, server.url)
        paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "BENCH_URL": server.url, "PATH": paths}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for peer in peers:  # not counted: compiles, and warms the disk
            _run(peer, folder, environment)
        times: dict[str, list[float]] = {peer.label: [] for peer in peers}
        for _ in range(ROUNDS):
            for peer in peers:
                times[peer.label].append(_run(peer, folder, environment))
    _tell(peers, times, absent)


def _peers(folder: Path, url: str) -> tuple[list[Peer], list[str]]:
    api = url.removesuffix("/health")
    gate = f"pytest {_QUIET} -m postrelease --base-url {api} --release-item smoke.endpoint"
    plain = f"pytest {_QUIET} -p no:chefrelease serial_test.py"
    tavern = f"tavern/bin/pytest {_QUIET} test_peers.tavern.yaml"
    found = [
        Peer("pytest-chefrelease", gate, code=1, says=f"{REQUESTS} passed"),
        Peer("pytest and httpx, one after the other", plain, says=f"{REQUESTS} passed"),
        Peer("pytest-xdist, 8 workers", f"{plain} -n 8", says=f"{REQUESTS} passed"),
    ]
    absent = []
    if _install_tavern(folder):
        found.append(Peer("Tavern", tavern, says=f"{REQUESTS} passed"))
    else:
        absent.append("Tavern (could not be installed)")
    if shutil.which("goss"):
        found.append(Peer("goss", "goss --gossfile goss.yaml validate --format silent"))
    else:
        absent.append("goss (not on PATH)")
    if shutil.which("hurl"):
        found.append(Peer("Hurl, one file", "hurl --test one.hurl"))
        found.append(Peer("Hurl, 60 files, 60 jobs", "hurl --test --parallel --jobs 60 many"))
    else:
        absent.append("Hurl (not on PATH)")
    return found, [*absent, "InSpec (a Ruby of its own)"]


def _install_tavern(folder: Path) -> bool:
    uv = Path(sys.executable).parent / "uv"
    place = folder / "tavern"
    steps: tuple[tuple[str | Path, ...], ...] = (
        (uv, "venv", "--quiet", "--python", sys.executable, place),
        (uv, "pip", "install", "--quiet", "--python", place, *_TAVERN),
    )
    return all(subprocess.run(step, check=False).returncode == 0 for step in steps)


def _write_others(folder: Path, url: str) -> None:
    numbers = range(REQUESTS)
    stages = "".join(_STAGE.format(i=i, url=url) for i in numbers)
    folder.joinpath("test_peers.tavern.yaml").write_text(stages, encoding="utf-8")
    goss = "".join(f"  '{url}?{i}': {{status: 200, timeout: 10000}}\n" for i in numbers)
    folder.joinpath("goss.yaml").write_text(f"http:\n{goss}", encoding="utf-8")
    asked = [f"GET {url}?{i}\nHTTP 200\n\n" for i in numbers]
    folder.joinpath("one.hurl").write_text("".join(asked), encoding="utf-8")
    many = folder / "many"
    many.mkdir()
    for i, text in enumerate(asked):
        (many / f"{i}.hurl").write_text(text, encoding="utf-8")


def _run(peer: Peer, folder: Path, environment: Mapping[str, str]) -> float:
    """Seconds of one whole process. Raises RuntimeError where it did not do its work."""
    started = time.perf_counter()
    done = subprocess.run(
        shlex.split(peer.command),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    if done.returncode != peer.code or peer.says not in done.stdout:
        raise RuntimeError(f"{peer.command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return seconds


def _tell(peers: Sequence[Peer], times: Mapping[str, list[float]], absent: Sequence[str]) -> None:
    medians = {label: statistics.median(seconds) for label, seconds in times.items()}
    ours = medians[peers[0].label]
    print(
        f"{REQUESTS} checks, answered after 200 ms, {ROUNDS} rounds, whole processes, "
        f"{os.cpu_count()} processors, Python {platform.python_version()}:"
    )
    for peer in peers:
        seconds = medians[peer.label]
        print(f"  {peer.label:<38} {seconds:6.2f} s   {seconds / ours:5.2f} of the gate")
        print(f"      {peer.command}")
    for each in absent:
        print(f"  not measured: {each}")


if __name__ == "__main__":
    main()
