"""P95 of a server that stalls: this prober, and the load tools that people reach for.

The server answers in 10 ms and stands still for 2 s in every 20 s. Whoever waits for an answer
before the next request sends next to nothing during the stall, and hardly sees it; who keeps to
the schedule of arrivals does. Tools that are not on PATH are named as not measured.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.known_server import Server
from benchmarks.prober import LATENCY_MS, LENGTH_S, RATE, STALL_S, measure, true_p95_ms
from pytest_chefrelease.runbook.p95 import quantiles

CONNECTIONS = 10
_WRK_P95 = 'done = function(_, latency, _) print("P95 " .. latency:percentile(95) / 1000) end\n'


def main() -> None:
    """Print each tool's P95 beside the true one, and the command that it was asked with."""
    print(
        f"an answer takes {LATENCY_MS:g} ms, and {STALL_S:g} s of every {LENGTH_S} s stand still:"
    )
    _row("the prober", _by_prober, f"{RATE} requests/s, open loop")
    with tempfile.TemporaryDirectory() as name:
        script = Path(name) / "p95.lua"
        script.write_text(_WRK_P95, encoding="utf-8")
        wrk = f"wrk -t1 -c{CONNECTIONS} -d{LENGTH_S}s --latency -s {script} URL"
        hey = f"hey -z {LENGTH_S}s -c {CONNECTIONS} -q {RATE // CONNECTIONS} URL"
        _tool("wrk", wrk, lambda said: float(_found(r"P95 ([\d.]+)", said)))
        _tool("hey", hey, lambda said: float(_found(r"95%+ in ([\d.]+) secs", said)) * 1000)


def _by_prober(url: str) -> float:
    sample = asyncio.run(measure(url, LENGTH_S * RATE))
    return quantiles([None if shot.error else shot.ms for shot in sample.shots]).p95_ms or 0.0


def _tool(name: str, command: str, read: Callable[[str], float]) -> None:
    program, *arguments = shlex.split(command)
    found = shutil.which(program)
    if found is None:
        print(f"  {name:<11} not measured: it is not on PATH")
        return

    def ask(url: str) -> float:
        typed = [found, *(url if part == "URL" else part for part in arguments)]
        done = subprocess.run(
            typed, check=True, capture_output=True, text=True, timeout=LENGTH_S + 30
        )
        return read(done.stdout)

    _row(name, ask, re.sub(r"-s \S+", "-s p95.lua", command))


def _row(name: str, ask: Callable[[str], float], how: str) -> None:
    with Server(latencies_ms=(LATENCY_MS,), stall_s=STALL_S, period_s=LENGTH_S) as server:
        seen_ms = ask(server.url)
        stalls = server.stop()
    true_ms = true_p95_ms([over - begun for begun, over in stalls])
    off = f"{seen_ms / true_ms - 1:+.0%}"
    print(f"  {name:<11} {seen_ms:7.0f} ms, true {true_ms:.0f} ms: {off:<6} {how}")


def _found(pattern: str, said: str) -> str:
    match = re.search(pattern, said)
    if match is None:
        raise RuntimeError(f"no {pattern} in: {said[-2000:]}")
    return match[1]


if __name__ == "__main__":
    main()
