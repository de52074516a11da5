"""A Chromium on this machine: found, started, and ended for sure.

Playwright is imported here and in the other ``page`` and ``browser`` modules only when used;
it comes with the extra ``browser``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_chefrelease.errors import MissingExtra

if TYPE_CHECKING:
    from playwright.async_api import Browser, CDPSession, Playwright

VARIABLE = "CHEFRELEASE_CHROMIUM"
INSTALL = (
    "Run `chefrelease browser install`, or install your system's package, or name a program by "
    "routes.chromium in release.toml."
)

_ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)

# A verification talks to the site and to nobody else; a browser of its own accord does not.
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
)
_START_S = 20.0
_PING_S = 3.0
_CLOSE_S = 5.0


def no_library() -> MissingExtra:
    """The error that says how Playwright is installed."""
    return MissingExtra(
        "the library playwright is not installed",
        remedy="pip install 'pytest-chefrelease[browser]'",
    )


@dataclass(frozen=True, slots=True)
class Chromium:
    """A running browser; ``pid`` is its main process, ``program`` what was started."""

    browser: Browser
    control: CDPSession
    pid: int
    program: str

    async def answers(self) -> bool:
        """Whether the browser itself, not a page in it, still reacts."""
        from playwright.async_api import Error

        try:
            async with asyncio.timeout(_PING_S):
                await self.control.send("Browser.getVersion")
        except (TimeoutError, Error):
            return False
        return True

    async def end(self) -> None:
        """Close it within seconds, or kill it."""
        from playwright.async_api import Error

        try:
            async with asyncio.timeout(_CLOSE_S):
                await self.browser.close()
        except (TimeoutError, Error):
            self.kill()
        except BaseException:  # cancelled while closing: it must not stay behind
            self.kill()
            raise

    def kill(self) -> None:
        """End the browser and all its processes at once, by the browser's own id."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # Playwright starts it as the leader of a process group of its own.
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)


def candidates(configured: str | None, environment: Mapping[str, str], own: str) -> tuple[str, ...]:
    """The programs to try, in order: the one that was named, else all that are found.

    ``configured`` is routes.chromium, ``own`` where Playwright keeps its own browser. Raises
    MissingExtra when the one named is no program, or none is found.
    """
    for name, place in ((configured, "routes.chromium"), (environment.get(VARIABLE), VARIABLE)):
        if not name:
            continue
        found = shutil.which(name, path=environment.get("PATH"))
        if found is None:
            raise MissingExtra(f"{place} names {name}, which is no program here", remedy=INSTALL)
        return (found,)
    programs = tuple(dict.fromkeys(_found(environment, own)))
    if not programs:
        raise MissingExtra("there is no Chromium on this machine", remedy=INSTALL)
    return programs


def _found(environment: Mapping[str, str], own: str) -> Iterator[str]:
    for name in _ON_PATH:
        program = shutil.which(name, path=environment.get("PATH"))
        if program is not None:
            yield program
    yield from (path for path in (*_APPLICATIONS, own) if Path(path).is_file())


async def launch(
    playwright: Playwright, programs: tuple[str, ...], arguments: tuple[str, ...] = ()
) -> Chromium:
    """Start the first of the programs that starts. Raises MissingExtra with each one's reason.

    On some systems the program on PATH only points to a package that is not there.
    """
    reasons = []
    for program in programs:
        for with_sandbox in (True, False) if os.geteuid() != 0 else (False,):
            try:
                return await _start(playwright, program, arguments, with_sandbox=with_sandbox)
            except ChromiumDidNotStart as error:
                reasons.append(f"{program}: {error}")
                if not error.lacks_sandbox:
                    break
    raise MissingExtra(f"no Chromium starts here: {'; '.join(reasons)}", remedy=INSTALL)


class ChromiumDidNotStart(Exception):
    """One program did not start; containers often forbid the sandbox to users but root."""

    def __init__(self, message: str) -> None:
        first = next((line for line in message.splitlines() if line.strip()), "no reason given")
        super().__init__(first.strip()[:300])
        self.lacks_sandbox = "sandbox" in message.lower()


async def _start(
    playwright: Playwright, program: str, arguments: tuple[str, ...], *, with_sandbox: bool
) -> Chromium:
    from playwright.async_api import Error

    try:
        browser = await playwright.chromium.launch(
            executable_path=program,
            chromium_sandbox=with_sandbox,
            args=[*_QUIET, *arguments],
            timeout=_START_S * 1000,
        )
        control = await browser.new_browser_cdp_session()
        processes = await control.send("SystemInfo.getProcessInfo")
    except Error as error:
        raise ChromiumDidNotStart(str(error)) from None
    pid = next(p["id"] for p in processes["processInfo"] if p["type"] == "browser")
    return Chromium(browser, control, int(pid), program)
