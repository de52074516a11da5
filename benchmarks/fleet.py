"""How far one process goes: 60, 600 and 6,000 endpoints, and merging 1, 10 and 100 parts.

Every endpoint is a smoke check of one server on loopback that answers after 50 ms, with the
gate's own defaults (so many requests at once to a host). Whole processes, one after the other.
Parts are shards of a stage of 600 endpoints, each a process of its own as in a CI job; what is
timed is ``chefrelease merge``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.known_server import Server

SIZES = (60, 600, 6_000)
PARTS = (1, 10, 100)
_SHARED = 600
_LATENCY_MS = 50.0
_AT_ONCE = 2
_GATE = ("pytest", "-q", "-p", "no:cacheprovider", "-m", "postrelease")
_SMOKE = ("--release-item", "smoke.endpoint")


def main() -> None:
    """Print both tables; each row is one run."""
    with tempfile.TemporaryDirectory() as name, Server(latencies_ms=(_LATENCY_MS,)) as server:
        _endpoints(Path(name), server.url)
        _parts(Path(name), server.url)


def _endpoints(folder: Path, url: str) -> None:
    print(f"endpoints, answered after {_LATENCY_MS:g} ms: seconds, seconds of processors, memory")
    for size in SIZES:
        _write_project(folder, url, size)
        for spread in ((), ("-n", "2")):
            cost = _run(folder, [*_GATE, *_SMOKE, *spread])
            how = " ".join(spread) or "one process"
            print(f"  {size:>6}  {how:<12} {cost}", flush=True)


def _parts(folder: Path, url: str) -> None:
    print(f"parts of {_SHARED} endpoints: all of them, {_AT_ONCE} at once; and to merge them")
    _write_project(folder, url, _SHARED)
    for count in PARTS:
        started = time.perf_counter()
        parts = _shards(folder, count)
        apart = time.perf_counter() - started
        command = ["chefrelease", "merge", *parts, "--reports", f"merged-{count}"]
        print(f"  {count:>6}  {apart:7.1f} s {_run(folder, command)}", flush=True)


def _write_project(folder: Path, url: str, size: int) -> None:
    lines = ["[release]", 'version = "v1.5.0"', "[environments.production]", f'api = "{url}"']
    lines += ["[smoke]", "endpoints = ["]
    lines += [f'  {{ get = "/health?{i}", status = 200 }},' for i in range(size)]
    folder.joinpath("release.toml").write_text("\n".join([*lines, "]", ""]), encoding="utf-8")


def _shards(folder: Path, count: int) -> list[str]:
    """The report folders of all shards; so many run at once as there are processors here."""
    names = [f"part-{number}-of-{count}" for number in range(1, count + 1)]
    waiting = [
        [*_GATE, *_SMOKE, "--release-shard", f"{number}/{count}", "--release-reports", name]
        for number, name in enumerate(names, 1)
    ]
    while waiting:
        now, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
        started = [_start(folder, command) for command in now]
        for process in started:
            _demand(process, process.wait())
    return names


def _start(folder: Path, command: Sequence[str]) -> subprocess.Popen[str]:
    program = Path(sys.executable).parent / command[0]
    # An installed package is compiled once; a checkout is too, unless this forbids it.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    log = (folder / "run.log").open("w", encoding="utf-8")
    return subprocess.Popen(
        [str(program), *command[1:]],
        cwd=folder,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _run(folder: Path, command: Sequence[str]) -> str:
    """What one whole process cost: seconds by the clock and of processors, and its most memory."""
    started = time.perf_counter()
    process = _start(folder, command)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    _demand(process, process.returncode, folder / "run.log")
    busy = usage.ru_utime + usage.ru_stime
    return f"{seconds:7.2f} s {busy:7.2f} s {usage.ru_maxrss / 1024:5.0f} MB"


def _demand(process: subprocess.Popen[str], code: int, log: Path | None = None) -> None:
    """A selection of items, and a shard, are partial: HOLD, exit code 1."""
    if code != 1:
        said = log.read_text(encoding="utf-8")[-2000:] if log else ""
        raise RuntimeError(f"{process.args!r}: exit code {code}\n{said}")


if __name__ == "__main__":
    main()
