"""This machine: programs, the browser, accounts in the environment, where reports go."""

from __future__ import annotations

import os
import shutil
import sysconfig
from pathlib import Path

from pytest_chefrelease.doctor.looks.around import Around
from pytest_chefrelease.doctor.source import Source
from pytest_chefrelease.errors import MissingExtra, NotConfigured, ProbeError

_OURS = ("git", "squawk")
"""Programs that may be asked for their version; what a user's own program does is not known."""


async def account(source: Source, around: Around) -> str:
    """Both variables of a test account."""
    for name in source.credentials:
        around.variable(name, source.remedy)
    return f"{' and '.join(source.credentials)} are set"


async def browser(_source: Source, around: Around) -> str:
    """A Chromium that starts."""
    from pytest_chefrelease.probes import chromium

    try:
        from playwright.async_api import async_playwright
    except ImportError:
        raise chromium.no_library() from None
    async with async_playwright() as playwright:
        own = playwright.chromium.executable_path
        configured = around.settings.routes.chromium
        programs = chromium.candidates(configured, around.environment, own)
        started = await chromium.launch(playwright, programs)
        version = started.browser.version
        await started.end()
    return f"Chromium {version} starts ({started.program})"


async def backups(source: Source, around: Around) -> str:
    """How many there are, and the newest."""
    from pytest_chefrelease.probes.backups.choose import choose_backup_source

    found = await choose_backup_source(around.settings.backup, around.repository).newest_first()
    if not found:
        raise NotConfigured(
            f"there is no backup at {source.place}",
            remedy="Take one, or correct backup.path in release.toml.",
        )
    count = f"{len(found)} backup{'s' * (len(found) != 1)}"
    return f"{count}, the newest of {found[0].changed_at:%Y-%m-%d %H:%M} UTC"


async def load(source: Source, around: Around) -> str:
    """How much Locust has asked, and of what."""
    from pytest_chefrelease.probes.locust import read_statistics

    found = read_statistics(around.repository / str(source.place))
    requests = sum(entry.num_requests for entry in found)
    return f"{requests} requests to {len(found)} names"


async def program(source: Source, around: Around) -> str:
    """A program of ours with its version, or one of the user's that is here."""
    name = str(source.place)
    if name == "gitleaks":
        from pytest_chefrelease.probes.credentials.choose import choose_detector

        return choose_detector().name
    if name == "pg_restore":
        from pytest_chefrelease.probes.scratch.programs import find_programs

        found = find_programs()
        return f"PostgreSQL {found.major} in {found.directory}"
    if name == "prisma":
        from pytest_chefrelease.probes.prisma_cli import find_prisma

        directory = around.settings.migrations.directory
        return f"{find_prisma(around.repository, directory).program} is here"
    path = _path_of(name, around)
    if path is None:
        raise MissingExtra(f"{name} is not on this machine", remedy=source.remedy)
    return await _version(name, path, around) if name in _OURS else f"{path} is here"


def _path_of(name: str, around: Around) -> str | None:
    if "/" in name:
        path = around.repository / name
        return str(path) if os.access(path, os.X_OK) else None
    beside = Path(sysconfig.get_path("scripts")) / name
    return (
        str(beside) if beside.exists() else shutil.which(name, path=around.environment.get("PATH"))
    )


async def _version(name: str, path: str, around: Around) -> str:
    from pytest_chefrelease.probes.commands import clean_environment, run_command

    done = await run_command(
        f"'{path}' --version",
        directory=around.directory,
        environment=clean_environment(around.environment),
        timeout_s=5,
    )
    if done.exit_code != 0:
        raise ProbeError(f"{name} does not run: {done.end}", remedy=f"Install {name} anew.")
    return f"{done.last_line} ({path})"


async def reports(source: Source, around: Around) -> str:
    """The folder, or the nearest one above it, may be written."""
    folder = around.directory / str(source.place)
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise NotConfigured(f"{existing} cannot be written", remedy=source.remedy)
    return f"{source.place}/ can be written"
