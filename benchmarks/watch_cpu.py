"""What a watch costs in processor time: two watches of the rehearsal, and the line through them.

``python -m benchmarks.watch_cpu`` watches the embedded ChefCloud for 20 s and for 120 s, with a
look every five seconds, and takes the processor time of pytest and of all that it starts. The
difference is what a second of watching costs; 15 minutes are reckoned from it, not watched.
Requests for P95 come as far apart as those of a watch of 15 minutes do.
"""

from __future__ import annotations

import resource
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.rehearsal.walk import run_stage
from pytest_chefrelease.runbook.item import Stage

SHORT_S, LONG_S, WATCH_S = 20, 120, 900
PROBED = 3_000
"""Requests to each endpoint over a watch, by default."""
QUICK = {'interval = "1s"': 'interval = "5s"', "rate = 50": f"rate = {PROBED / WATCH_S:.2f}"}
"""What is quicker in the rehearsal, and how it is by default, or follows from it."""
ALLOWED_S = 60.0


class _Item(msgspec.Struct):
    id: str
    facts: dict[str, object]


class _Report(msgspec.Struct):
    items: list[_Item]


@dataclass(frozen=True)
class Cost:
    """Processor time of a watch, and how long it went on, in seconds."""

    cpu_s: float
    watched_s: float


def main() -> None:
    """Print both watches, and what 15 minutes would cost."""
    with _AsUsual() as stack, tempfile.TemporaryDirectory() as name:
        stack.release()
        short, long = (_watch(stack, Path(name), length) for length in (SHORT_S, LONG_S))
    a_second = (long.cpu_s - short.cpu_s) / (long.watched_s - short.watched_s)
    start = short.cpu_s - a_second * short.watched_s
    whole = start + a_second * WATCH_S
    print("A watch of all signals of the rehearsal, processor time of pytest and its processes:")
    for of in (short, long):
        print(f"  {of.watched_s:5.0f} s              {of.cpu_s:5.1f} s")
    print(f"  start and report     {start:5.1f} s, and {a_second * 60:.1f} s for each minute")
    print(f"  15 min, reckoned     {whole:5.1f} s, below {ALLOWED_S:.0f} s wanted")


class _AsUsual(Stack):
    """The rehearsal's stack, watched with the intervals that a production system is."""

    def write_release_toml(self) -> Path:
        path = super().write_release_toml()
        text = path.read_text()
        for quick, usual in QUICK.items():
            if quick not in text:
                raise SystemExit(f"the rehearsal's release.toml has no {quick}")
            text = text.replace(quick, usual)
        path.write_text(text)
        return path


def _watch(stack: Stack, folder: Path, length_s: int) -> Cost:
    before = _cpu_s()
    run_stage(stack, Stage.MONITORING, folder, f"--watch={length_s}s", "-q")
    cpu_s = _cpu_s() - before
    report = msgspec.json.decode((folder / "monitoring.json").read_bytes(), type=_Report)
    facts = next(item.facts for item in report.items if item.id == "watch.complete")
    watched_s = facts["watched_s"]
    if not isinstance(watched_s, int | float) or watched_s < length_s * 0.9:
        raise SystemExit(f"the watch of {length_s} s ended after {watched_s} s: see its report")
    return Cost(cpu_s, float(watched_s))


def _cpu_s() -> float:
    """Of processes that have ended; the stack's own go on."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
