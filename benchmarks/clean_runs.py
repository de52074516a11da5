"""Runs of the whole gate on a stack that has nothing wrong: each must be GO.

A NO-GO or HOLD without a cause costs trust. Prerelease and postrelease take turns half and half,
as processes of pytest against the rehearsal's stack; ``python -m benchmarks.clean_runs 50``.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.rehearsal.walk import run_stage
from pytest_chefrelease.runbook.item import Stage

RUNS = 50


def main(runs: int = RUNS) -> None:
    """Print what was not GO, with its cause, and how many were."""
    began, go = time.monotonic(), 0
    with Stack() as stack, tempfile.TemporaryDirectory() as name:
        for number, stage in enumerate(_stages(stack, runs), start=1):
            said = _run(stack, stage, Path(name))
            go += said == "GO"
            print(f"  {number:>3} {stage.value:<12} {said}", flush=True)
    minutes = (time.monotonic() - began) / 60
    print(f"{go} of {runs} clean runs were GO, in {minutes:.0f} minutes")


def _stages(stack: Stack, runs: int) -> Iterator[Stage]:
    for _ in range(runs // 2):
        yield Stage.PRERELEASE
    stack.release()
    for _ in range(runs - runs // 2):
        yield Stage.POSTRELEASE


def _run(stack: Stack, stage: Stage, reports: Path) -> str:
    with _quietly():
        run_stage(stack, stage, reports)
    record = json.loads((reports / f"{stage.value}.json").read_bytes())
    if record["verdict"] == "GO":
        return "GO"
    blocking = [
        f"{item['id']}[{item.get('parameter')}] {item['outcome']}: {item['summary']}"
        for item in record["items"]
        if item["blocking"] and item["outcome"] in ("failed", "unverified")
    ]
    return f"{record['verdict']} {'; '.join(blocking)}"


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """The gate writes to this process's own standard output."""
    sys.stdout.flush()
    kept = os.dup(1)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
