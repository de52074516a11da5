"""Real virtual environments with the wheel in them, and programs run there."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEIGHBOURS = Path(__file__).parent / "neighbours.txt"
_LEFT_OUT = ("CHEFRELEASE_", "GITHUB_", "GITLAB_", "PYTEST_", "COV_", "PYTHON", "CI")


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout, in a folder that holds no other."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [wheel] = folder.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Ran:
    """What a program left: its exit code and all that it said."""

    code: int
    text: str

    @property
    def last_line(self) -> str:
        return self.text.rstrip().splitlines()[-1]


@dataclass(frozen=True)
class Environment:
    """A virtual environment: ``run("pytest", ..., cwd=folder)``."""

    path: Path

    @classmethod
    def make(cls, path: Path, wheel: Path, *others: str) -> Environment:
        """A new one with the wheel, the libraries that this project is tested with, and others."""
        uv = Path(sys.executable).parent / "uv"
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, path], check=True)
        install: list[str | Path] = [
            uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            path,
            "--no-verify-hashes",
        ]
        install += ["--constraint", ROOT / "requirements.txt", wheel, *others]
        subprocess.run(install, check=True)
        return cls(path)

    def run(self, program: str, *arguments: str, cwd: Path) -> Ran:
        """Run an installed program, without what this process was told by its variables."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_LEFT_OUT)}
        done = subprocess.run(
            [self.path / "bin" / program, *arguments],
            cwd=cwd,
            env=kept,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return Ran(done.returncode, done.stdout)
