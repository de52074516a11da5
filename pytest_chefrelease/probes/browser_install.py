"""Installs Playwright's own Chromium, by Playwright's own installer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pytest_chefrelease.errors import NoAnswer, ProbeError, Unreachable
from pytest_chefrelease.probes.chromium import no_library

_LIMIT_S, _START_S = 900.0, 30.0
_TOLD_LINES = 3
_NO_WAY = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")
_OTHERWISE = (
    "Let this machine reach the host, or name a mirror by PLAYWRIGHT_DOWNLOAD_HOST; or install "
    "your system's package (Debian: apt-get install chromium), or name a program by "
    "routes.chromium."
)


@dataclass(frozen=True, slots=True)
class Installed:
    """The program, what it says it is, and whether it was there before."""

    program: Path
    version: str
    was_there: bool


def install_chromium(environment: Mapping[str, str]) -> Installed:
    """Bring a Chromium to where Playwright looks for its own, and see that it starts.

    Raises MissingExtra without the library, Unreachable where the download's host could not
    be reached, NoAnswer where that took too long, ProbeError where the installer failed
    otherwise or what it brought does not start.
    """
    if find_spec("playwright") is None:
        raise no_library()
    program = own_program()
    was_there = program.exists()
    if not was_there:
        _install(environment, program)
    return Installed(program, _version(program), was_there)


def _install(environment: Mapping[str, str], program: Path) -> None:
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    try:
        done = subprocess.run(
            command,
            env=dict(environment),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoAnswer(
            f"Playwright's installer did not end within {_LIMIT_S:g} s", remedy=_OTHERWISE
        ) from None
    if done.returncode or not program.exists():
        raise _why(f"{done.stdout}\n{done.stderr}", done.returncode)


def _version(program: Path) -> str:
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_START_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        raise ProbeError(
            f"{program} is there and does not start",
            remedy="Let `playwright install-deps chromium` bring the system's libraries, as root.",
        ) from None
    return done.stdout.strip()


def own_program() -> Path:
    """Where Playwright keeps its own Chromium, whether or not it is there."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path)


def _why(said: str, code: int) -> ProbeError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()] or lines
    told = "; ".join(errors[-_TOLD_LINES:])[:400] or "it said nothing"
    if any(word in said for word in _NO_WAY):
        return Unreachable(f"the download's host cannot be reached: {told}", remedy=_OTHERWISE)
    return ProbeError(
        f"Playwright's installer failed (exit code {code}): {told}", remedy=_OTHERWISE
    )
