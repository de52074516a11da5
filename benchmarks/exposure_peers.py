"""Secrets in a repository: the exact search of its whole history, and detect-secrets.

The repository is that of ``exposure``; one known secret stands in a file of an older commit and
was taken out since, in base64. detect-secrets guesses from the shape of texts, and reads the work
tree alone; the exact search knows the values, and reads every object.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.exposure import COMMITS, OBJECT_BYTES, generate, ten_secrets
from pytest_chefrelease.probes.exposure import search_history
from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.needles import Needles


def main() -> None:
    """Print the time of each, and what it found."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder, COMMITS, OBJECT_BYTES)
        git(folder, "reset", "--quiet", "--hard")
        known = ten_secrets()
        _hide(folder, known["SECRET_0"].reveal())
        began = time.perf_counter()
        probe = GitProbe(folder)
        found = search_history(probe, probe.head(), Needles(known), limit_s=600)
        exact_s = time.perf_counter() - began
        print(f"exact search: {exact_s:.1f} s, the whole history,", end=" ")
        print(f"found {sorted({place.mark.name for place in found.places})}")
        began = time.perf_counter()
        command = [sys.executable, "-m", "detect_secrets", "scan", "--all-files", "."]
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        guessed_s = time.perf_counter() - began
        finds = sum(len(each) for each in json.loads(done.stdout)["results"].values())
        print(f"detect-secrets: {guessed_s:.1f} s, the work tree, {finds} guesses:", end=" ")
        print(f"{guessed_s / exact_s:.0f} times as long")


def _hide(folder: Path, value: str) -> None:
    """Commit a file with the value in base64, and take it out again."""
    file = folder / "deploy.env"
    file.write_bytes(b"KEY=" + base64.b64encode(value.encode()) + b"\n")
    git(folder, "add", file.name)
    git(folder, "commit", "--quiet", "--message=a key")
    git(folder, "rm", "--quiet", file.name)
    git(folder, "commit", "--quiet", "--message=no key")


def git(folder: Path, *arguments: str) -> None:
    """Run git as somebody who may commit."""
    who = ("-c", "user.name=T", "-c", "user.email=t@example")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    main()
