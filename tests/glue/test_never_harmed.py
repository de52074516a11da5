"""Whatever happens to a run, the release's repository stays byte for byte as it was."""

from __future__ import annotations

import hashlib
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

LOOKED_AT = ("ci.*", "version.*", "secrets.*", "env.*", "release.*", "rollback.*")
WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
COMMAND = """
import os, pathlib, sys, time
pathlib.Path("written-by-the-command").write_text("in its own checkout")
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
time.sleep(20)
"""


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *WHO, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture
def product(pytester: pytest.Pytester) -> Path:
    """A repository with a remote, a release, a hook, and work that is not committed."""
    folder = pytester.path / "product"
    origin = pytester.path / "origin.git"
    folder.mkdir()
    git(pytester.path, "init", "-q", "--bare", str(origin))
    git(folder, "init", "-q", "-b", "main")
    git(folder, "remote", "add", "origin", str(origin))
    (folder / "CHANGELOG.md").write_text("## v1.5.0\n\n- A feature\n", encoding="utf-8")
    (folder / "main.ts").write_text("export {}\n", encoding="utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "feat: all")
    git(folder, "tag", "-a", "v1.5.0", "-m", "v1.5.0")
    git(folder, "push", "-q", "origin", "main", "v1.5.0")
    hook = folder / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(folder))}/the-hook-ran\n")
    hook.chmod(0o755)
    (folder / "main.ts").write_text("export default {} // not committed\n", encoding="utf-8")
    (folder / "untracked.txt").write_text("mine\n", encoding="utf-8")
    # Later than the index knows: a git that refreshes its index writes it.
    os.utime(folder / "CHANGELOG.md", (time.time() + 5, time.time() + 5))
    return folder


def everything(*folders: Path) -> dict[str, tuple[str, int]]:
    """Each file's digest and mode, and each folder, git's own included."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            data = path.read_bytes() if path.is_file() else b"a folder"
            digest = hashlib.sha256(data).hexdigest()
            found[str(path.relative_to(folder.parent))] = (digest, path.lstat().st_mode)
    return found


def running(folder: Path) -> subprocess.Popen[bytes]:
    """The gate, in the middle of a command of its own on a checkout of the release."""
    script, started = folder / "command.py", folder / "started"
    script.write_text(COMMAND, encoding="utf-8")
    command = shlex.join([sys.executable, str(script), str(started)])
    settings = f"[release]\nrepository = 'product'\n[ci.commands]\nslow = {command!r}\n"
    (folder / "release.toml").write_text(settings, encoding="utf-8")
    items = [f"--release-item={glob}" for glob in LOOKED_AT]
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "prerelease", *items],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "CI"},
    )
    deadline = time.monotonic() + 30
    while not (started.exists() and started.read_text()):
        assert process.poll() is None, "the run ended before its command began"
        assert time.monotonic() < deadline, "the command never began"
        time.sleep(0.05)
    return process


def test_a_run_that_is_killed_has_changed_nothing(pytester: pytest.Pytester, product: Path) -> None:
    folders = (product, pytester.path / "origin.git")
    before = everything(*folders)
    process = running(pytester.path)

    process.kill()
    process.wait(30)
    os.kill(int((pytester.path / "started").read_text()), signal.SIGKILL)  # nobody was left to

    assert everything(*folders) == before
    assert not (product / "the-hook-ran").exists()
    assert git(product, "status", "--porcelain").splitlines() == [" M main.ts", "?? untracked.txt"]
    assert git(product, "worktree", "list").count("\n") == 1
