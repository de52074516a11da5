"""Our report against stock pytest-html, both with as many results, over runs without either.

``python -m benchmarks.report`` takes 100, 1,000 and 10,000 results, ``python -m
benchmarks.report 10000`` those alone. Four runs of the same tests stand side by side: bare
pytest; the same with stock pytest-html; a stage whose item has as many parameters, without a
page; and that stage with its page. What a report takes is the difference within a pair, the
best of some rounds. Memory grows from a run of one result to one of many.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import sync_playwright

from pytest_chefrelease.probes.chromium import candidates

COUNTS = (100, 1_000, 10_000)
ROUNDS = 3
ALLOWED_SHARE = 0.5
SOONER = 5.0
ALLOWED_MB = 20.0
_ORDINARY = """
import pytest
@pytest.mark.parametrize("path", [f"/items/{n}" for n in range(COUNT)])
def test_route(path): pass
"""
_CHECKS = """
from datetime import UTC, datetime
from pytest_chefrelease.api import (
    Context, Evidence, Item, Minimum, Section, Severity, Stage, check,
)
@check(
    Item(
        id="kitchen.routes", title="Every route answers", stages=(Stage.POSTRELEASE,),
        severity=Severity.P2, section=Section.BEYOND, minimum=Minimum(counts={"requests": 1}),
        remedy="Look at the route.",
    ),
    each=lambda settings, stage: [f"/items/{n}" for n in range(COUNT)],
)
async def routes(look: Context, parameter: str) -> Evidence:
    facts = {"requests": 1, "status": 200, "elapsed_ms": 12.5}
    return Evidence(f"200 in 12 ms on {parameter}", "the site", datetime.now(UTC), facts)
"""
_TESTS = """
from pytest_chefrelease.plugin import verification
test_routes = verification("kitchen.routes")
"""
_SETTINGS = '[checks]\nmodules = ["release_checks"]\n'
_BARE = ("-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")
_STOCK = ("-p", "no:chefrelease", "test_ordinary.py")
_STAGE = ("-m", "postrelease", "--release-item=kitchen.*", "test_items.py")
RUNS: dict[str, tuple[str, ...]] = {
    "bare": _STOCK,
    "stock": (*_STOCK, "--html=stock.html", "--self-contained-html"),
    "stage without page": (*_STAGE, "-p", "no:html"),
    "stage": (*_STAGE, "--html=stage.html"),
}
_MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[2:], capture_output=True, text=True)
if f"{sys.argv[1]} passed" not in done.stdout:
    sys.exit(done.stdout[-2000:] + done.stderr)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""
_FIRST_ROW = """row => new Promise(done => {
  const seen = () => {
    const found = [...document.querySelectorAll(row)].find(each => each.checkVisibility());
    if (!found) return requestAnimationFrame(seen);
    requestAnimationFrame(() => setTimeout(() => done(performance.now())));
  };
  seen();
})"""
_ROWS = {"stock": ".results-table-row", "stage": ".rows > summary, .card > summary"}


@dataclass(frozen=True, slots=True)
class Run:
    """What a run took: seconds of processor time, the most memory in MB, the size of its page."""

    cpu_s: float
    memory_mb: float
    page_mb: float


def main(*counts: int) -> None:
    """Print what each report takes, and the ratios."""
    one = _runs(1, rounds=1)
    for count in counts or COUNTS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            many = _runs(count, ROUNDS, folder)
            rows = {of: _first_row_ms(folder / f"{of}.html", _ROWS[of]) for of in _ROWS}
        _tell(count, one, many, rows)


def _tell(count: int, one: dict[str, Run], many: dict[str, Run], rows_ms: dict[str, float]) -> None:
    ours_s = many["stage"].cpu_s - many["stage without page"].cpu_s
    stock_s = many["stock"].cpu_s - many["bare"].cpu_s
    growth = {of: many[of].memory_mb - one[of].memory_mb for of in RUNS}
    print(f"{count:,} results, best of {ROUNDS} rounds:     ours    stock pytest-html")
    print(f"  extra time of the page   {ours_s:7.2f} s  {stock_s:7.2f} s", end="  ")
    print(f"ratio {ours_s / stock_s:.2f}, {ALLOWED_SHARE} wanted")
    pages = many["stage"].page_mb, many["stock"].page_mb
    print(f"  size of the page         {pages[0]:7.2f} MB {pages[1]:7.2f} MB", end=" ")
    print(f"ratio {pages[0] / pages[1]:.2f}, {ALLOWED_SHARE} wanted")
    print(
        f"  first row in Chromium    {rows_ms['stage']:7.0f} ms {rows_ms['stock']:7.0f} ms", end=" "
    )
    print(f"{rows_ms['stock'] / rows_ms['stage']:.1f} times sooner, {SOONER:.0f} wanted")
    print(
        f"  memory grows by          {growth['stage']:7.1f} MB {growth['stock']:7.1f} MB", end=" "
    )
    print(f"bare pytest {growth['bare']:.1f} MB, {ALLOWED_MB:.0f} more allowed")
    pages = growth["stage"] - growth["stage without page"], growth["stock"] - growth["bare"]
    print(f"  of which the page        {pages[0]:7.1f} MB {pages[1]:7.1f} MB")
    print("  whole runs:", ", ".join(f"{of} {each.cpu_s:.2f} s" for of, each in many.items()))


def _runs(count: int, rounds: int, folder: Path | None = None) -> dict[str, Run]:
    if folder is None:
        with tempfile.TemporaryDirectory() as name:
            return _runs(count, rounds, Path(name))
    _write(folder, count)
    found: dict[str, list[Run]] = {of: [] for of in RUNS}
    for _ in range(rounds):
        for of, arguments in RUNS.items():
            found[of].append(_run(folder, of, arguments, count))
    return {of: min(each, key=lambda run: run.cpu_s) for of, each in found.items()}


def _write(folder: Path, count: int) -> None:
    texts = {"test_ordinary": _ORDINARY, "release_checks": _CHECKS, "test_items": _TESTS}
    for name, text in texts.items():
        folder.joinpath(f"{name}.py").write_text(text.replace("COUNT", str(count)))
    folder.joinpath("release.toml").write_text(_SETTINGS)


def _run(folder: Path, of: str, arguments: Sequence[str], count: int) -> Run:
    command = [sys.executable, "-m", "pytest", *_BARE, *arguments]
    said = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(count), *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        check=True,
        capture_output=True,
        text=True,
    )
    cpu_s, memory_mb = map(float, said.stdout.split())
    page = folder / f"{of}.html"
    size = page.stat().st_size / 1e6 if page.exists() else 0.0
    return Run(cpu_s, memory_mb, size)


def _first_row_ms(page: Path, row: str) -> float:
    """From the start of the navigation until a row is painted; the best of some loads."""
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        program = next(path for path in candidates(None, os.environ, own) if Path(path).exists())
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        took = []
        for _ in range(ROUNDS):
            shown = browser.new_page()
            shown.goto(page.as_uri(), wait_until="commit")
            took.append(shown.evaluate(_FIRST_ROW, row))
            shown.close()
        browser.close()
    return float(min(took))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
