"""What an installed but unused plugin costs: 5,000 ordinary tests, and its import."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = 5_000
ROUNDS = 7
ALLOWED_RATIO = 1.03
ALLOWED_IMPORT_MS = 30


def main() -> None:
    """Print the ratio of whole runs with and without the plugin, and the import's time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for module in range(50):
            tests = "".join(f"def test_{i}(): pass\n" for i in range(TESTS // 50))
            folder.joinpath(f"test_module_{module}.py").write_text(tests, encoding="utf-8")
        times: dict[str, list[float]] = {"with": [], "without": []}
        for _ in range(ROUNDS):
            times["with"].append(_run(folder))
            times["without"].append(_run(folder, "-p", "no:chefrelease"))
    ratios = [a / b for a, b in zip(times["with"], times["without"], strict=True)]
    print(f"{TESTS} ordinary tests, no stage selected, {ROUNDS} rounds in pairs:")
    print(f"  with the plugin     {statistics.median(times['with']):.2f} s")
    print(f"  without             {statistics.median(times['without']):.2f} s")
    print(f"  ratio (median)      {statistics.median(ratios):.3f}, at most {ALLOWED_RATIO} wanted")
    print(f"  import              {_import_ms():.1f} ms, at most {ALLOWED_IMPORT_MS} ms wanted")


def _run(folder: Path, *arguments: str) -> float:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    command += ["-p", "no:hypothesispytest"]
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - started


def _import_ms() -> float:
    """The import on top of pytest's own, median of several processes."""
    code = (
        "import time, pytest; t = time.perf_counter(); import pytest_chefrelease.plugin; "
        "print(time.perf_counter() - t)"
    )
    runs = [
        float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
        for _ in range(ROUNDS)
    ]
    return statistics.median(runs) * 1000


if __name__ == "__main__":
    main()
