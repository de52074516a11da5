"""What reading a million pino lines for all that the gate asks costs, against jq counting 5xx.

``python -m benchmarks.logs`` writes 1,000,000 lines (about 260 MB) into one file, and again into
four; the gate reads them in one pass for 5xx, refused logins, P95 of each route and templates
of errors. ``python -m benchmarks.logs 4`` takes four million lines, for memory.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pytest_chefrelease.probes.logs.files import FileSource
from pytest_chefrelease.probes.logs.source import Window
from pytest_chefrelease.runbook.log_tally import Tally, quantile_ms

LINES = 1_000_000
FILES = 4
ROUNDS = 3
BEGIN_MS = 1_795_000_000_000
ALLOWED_RATIO = 1 / 8
ALLOWED_MB = 100
_COUNT = "reduce inputs as $l (0; if $l.res.statusCode >= 500 then . + 1 else . end)"
_ROUTES = ("/pos/orders", "/pos/orders/{}", "/pos/menu/categories", "/inventory/items", "/auth/me")
_MEASURE = """
import resource, sys
from benchmarks.logs import read
read(sys.argv[1])
everyone = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
print(max(resource.getrusage(who).ru_maxrss for who in everyone))
"""


def main(times: int = 1) -> None:
    """Print times, their ratio, and the memory of the largest process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _generate(folder, LINES * times)
        size_mb = (folder / "one.json").stat().st_size / 1e6
        jq, one, many = [], [], []
        for _ in range(ROUNDS):
            jq += [_time_jq(folder / "one.json")] if shutil.which("jq") else []
            one.append(_time(folder / "one.json"))
            many.append(_time(folder / "part-*.json"))
        tally = read(str(folder / "one.json"))
        memory_mb = _memory_mb(folder / "one.json")
    best = min(one)
    print(f"{tally.lines:,} lines of {size_mb:.0f} MB, best of {ROUNDS} rounds:")
    print(
        f"  found               {tally.server_errors} 5xx in {len(tally.errors)} groups,", end=" "
    )
    print(f"{tally.refused} 401, {len(tally.messages)} templates of errors,", end=" ")
    p95 = max(quantile_ms(each, 0.95) for each in tally.latency.values())
    print(f"P95 of {len(tally.latency)} routes (the highest {p95} ms)")
    print(f"  one file            {best:.2f} s")
    print(f"  {FILES} files             {min(many):.2f} s")
    if jq:
        print(f"  jq, 5xx alone       {min(jq):.2f} s")
        ratio = best / min(jq)
        print(f"  ratio               1/{1 / ratio:.1f}, 1/{1 / ALLOWED_RATIO:.0f} wanted")
    print(f"  memory              {memory_mb:.0f} MB in the largest process,", end=" ")
    print(f"below {ALLOWED_MB} MB wanted")


def read(pattern: str) -> Tally:
    """What the gate reads of these files."""

    async def go() -> Tally:
        reading = FileSource(pattern).reading(Window(BEGIN_MS))
        try:
            return await reading.advance()
        finally:
            await reading.close()

    return asyncio.run(go())


def _time(pattern: Path) -> float:
    """In this process, as in a gate that runs already; further ones are started for it."""
    began = time.perf_counter()
    read(str(pattern))
    return time.perf_counter() - began


def _time_jq(path: Path) -> float:
    began = time.perf_counter()
    subprocess.run(["jq", "-n", _COUNT, path], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _memory_mb(path: Path) -> float:
    """Of the largest process that ever was below a fresh one, itself included."""
    said = subprocess.run(
        [sys.executable, "-c", _MEASURE, path], check=True, capture_output=True, text=True
    )
    return int(said.stdout) / 1024


def _generate(folder: Path, lines: int) -> None:
    """The same lines in one file, and dealt out to several."""
    parts = [(folder / f"part-{n}.json").open("w") for n in range(FILES)]
    with (folder / "one.json").open("w") as one:
        for number, line in enumerate(_lines(lines)):
            one.write(line)
            parts[number % FILES].write(line)
    for part in parts:
        part.close()


def _lines(count: int) -> Iterator[str]:
    """Twenty thousand lines as pino-http writes them, over and over at later times."""
    chance = random.Random(1)
    kinds = [_line(chance) for _ in range(20_000)]
    for number in range(count):
        before, after = kinds[number % len(kinds)]
        yield f"{before}{BEGIN_MS + number * 3}{after}"


def _line(chance: random.Random) -> tuple[str, str]:
    status = chance.choices((200, 201, 304, 404, 401, 500), (700, 150, 80, 40, 8, 1))[0]
    level = 50 if status >= 500 else 40 if status >= 400 else 30
    rest = {
        "pid": 42,
        "hostname": f"api-{chance.randrange(4)}",
        "req": {
            "id": f"{chance.getrandbits(64):016x}",
            "method": chance.choice(("GET", "POST")),
            "url": chance.choice(_ROUTES).format(chance.randrange(5_000)),
            "remoteAddress": f"10.0.{chance.randrange(9)}.{chance.randrange(250)}",
        },
        "res": {"statusCode": status},
        "responseTime": max(1, round(chance.lognormvariate(2.5, 0.8))),
        "msg": "request errored" if status >= 500 else "request completed",
    }
    if status >= 500:
        rest["err"] = {"type": "Error", "message": f"timeout after {chance.randrange(999)} ms"}
    text = json.dumps(rest, separators=(",", ":"))
    return f'{{"level":{level},"time":', f",{text[1:]}\n"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
