"""One Chromium for all pages of a run; each page in a context of its own, side by side.

A page that crashes or hangs costs one second try, in a browser started for it alone, so that
it cannot take other pages with it twice. What happened is named in the reading.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import structs

from pytest_chefrelease import __version__
from pytest_chefrelease.errors import PageLost
from pytest_chefrelease.probes.chromium import Chromium, candidates, launch, no_library
from pytest_chefrelease.probes.page_look import OpenPage, Visit, read
from pytest_chefrelease.probes.page_reading import PageReading
from pytest_chefrelease.probes.page_watch import PageWatch
from pytest_chefrelease.probes.sign_in import Session, SignedIn, SignIn, sign_in

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Playwright

_SIDE_BY_SIDE = 5
_CLOSE_S = 3.0
_ENGINE = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
_SIZE = {"width": 1280, "height": 800}

T = TypeVar("T")
Work = Callable[[OpenPage], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What came of work on a page, and the crashes and hangs that it took to get there."""

    value: T
    incidents: tuple[str, ...] = ()


@dataclass(slots=True)
class BrowserProbe:
    """Looks at pages in a real browser.

    ``chromium`` names the program (routes.chromium); otherwise CHEFRELEASE_CHROMIUM in
    ``environment``, then the PATH, then Playwright's own. ``arguments`` are passed on to it.
    """

    chromium: str | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    arguments: tuple[str, ...] = ()
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_SIDE_BY_SIDE))
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)
    _playwright: asyncio.Task[Playwright] | None = None
    _browser: asyncio.Task[Chromium] | None = None
    _sign_ins: dict[SignIn, asyncio.Task[SignedIn]] = field(default_factory=dict)

    async def read(self, visit: Visit, session: Session | None = None) -> PageReading:
        """The page at an address, as a visitor has it. Raises MissingExtra, PageLost."""
        outcome = await self.work(
            lambda page: read(page, visit), visit.url, visit.limit_s, session=session
        )
        return replace(outcome.value, incidents=outcome.incidents)

    async def work(
        self,
        work: Work[T],
        where: str,
        limit_s: float,
        *,
        session: Session | None = None,
        with_bodies: bool = False,
    ) -> Outcome[T]:
        """Do some work on a fresh page, at most ``limit_s`` seconds, and once more if it is lost.

        ``with_bodies`` keeps the JSON that scripts got. Raises MissingExtra where there is no
        browser, and PageLost after the second try.
        """
        async with self._places:
            browser = await self._shared()
            try:
                return Outcome(await _once(browser, work, limit_s, session, with_bodies))
            except _Lost as lost:
                first = lost
        async with self._alone:
            browser = await self._launch()
            try:
                value = await _once(browser, work, limit_s, session, with_bodies)
            except _Lost as second:
                raise PageLost(
                    f"{first}; on a second try in a fresh browser {second}",
                    where=where,
                    remedy=_REMEDY,
                    is_hung=first.is_hung and second.is_hung,
                ) from None
            finally:
                await browser.end()
        return Outcome(value, (f"{first}; a second try in a fresh browser went well",))

    async def sign_in(self, request: SignIn) -> SignedIn:
        """What came of a login, tried once for each request and kept in memory only.

        Each try counts at the site, which may lock an account, and its session is a secret.
        Raises MissingExtra, PageLost.
        """
        if request not in self._sign_ins:
            self._sign_ins[request] = asyncio.create_task(self._sign_in(request))
        return await asyncio.shield(self._sign_ins[request])

    async def _sign_in(self, request: SignIn) -> SignedIn:
        outcome = await self.work(
            lambda page: sign_in(page, request),
            request.login.url,
            request.limit_s,
            with_bodies=True,
        )
        return structs.replace(outcome.value, incidents=outcome.incidents)

    async def close(self) -> None:
        """End the browser and Playwright, within seconds; safe to call again."""
        for task in self._sign_ins.values():
            task.cancel()
        await asyncio.gather(*self._sign_ins.values(), return_exceptions=True)
        self._sign_ins.clear()
        browser, self._browser = self._browser, None
        playwright, self._playwright = self._playwright, None
        try:
            if (chromium := await _result(browser)) is not None:
                await chromium.end()
        finally:
            if (running := await _result(playwright)) is not None:
                async with asyncio.timeout(_CLOSE_S):
                    await running.stop()

    async def _shared(self) -> Chromium:
        """The one browser, started by whoever asks first, and again when it has died.

        Shielded: a check that gives up must not stop the start for the others.
        """
        task = self._browser
        if task is None or (_is_good(task) and not task.result().browser.is_connected()):
            self._browser = task = asyncio.create_task(self._launch())
        return await asyncio.shield(task)

    async def _launch(self) -> Chromium:
        if self._playwright is None:
            self._playwright = asyncio.create_task(_start_playwright())
        playwright = await asyncio.shield(self._playwright)
        own = playwright.chromium.executable_path
        programs = candidates(self.chromium, self.environment, own)
        return await launch(playwright, programs, self.arguments)


_REMEDY = (
    "A page that hangs or crashes the browser does so for visitors too: open it by hand. "
    "If it is well there, this machine may lack memory."
)


class _Lost(Exception):
    """A page is gone, or does not react; the message says which."""

    def __init__(self, message: str, *, is_hung: bool = False) -> None:
        super().__init__(message)
        self.is_hung = is_hung


async def _once(
    chromium: Chromium,
    work: Work[T],
    limit_s: float,
    session: Session | None,
    with_bodies: bool,  # noqa: FBT001  # handed through, never a literal
) -> T:
    from playwright.async_api import Error

    watch = PageWatch(with_bodies=with_bodies)
    limit = asyncio.timeout(limit_s)
    try:
        async with limit, _page(chromium, watch, session) as page:
            value = await work(page)
    except TimeoutError:
        if not limit.expired():
            raise
        raise await _hung(chromium, limit_s) from None
    except Error as error:
        if watch.crashed or "crashed" in error.message:
            raise _Lost("the page crashed") from None
        if not chromium.browser.is_connected():
            raise _Lost("the browser crashed") from None
        if "has been closed" in error.message:
            raise _Lost("the page closed itself") from None
        raise
    if watch.crashed:  # and was loaded anew by the work: what it saw before is lost
        raise _Lost("the page crashed")
    return value


async def _hung(chromium: Chromium, limit_s: float) -> _Lost:
    if chromium.browser.is_connected() and await chromium.answers():
        return _Lost(f"the page did not react any more within {limit_s:g} s", is_hung=True)
    chromium.kill()
    return _Lost(f"the browser did not react any more within {limit_s:g} s and was killed")


@asynccontextmanager
async def _page(
    chromium: Chromium, watch: PageWatch, session: Session | None
) -> AsyncIterator[OpenPage]:
    context = await chromium.browser.new_context(
        viewport={"width": _SIZE["width"], "height": _SIZE["height"]},
        locale="en-US",
        user_agent=_agent(chromium.browser.version),
        accept_downloads=False,
        service_workers="block",  # what they answer would hide what the server answers
        storage_state=session.state if session is not None else None,
    )
    try:
        if session is not None:
            await context.add_init_script(session.script)
        page = await context.new_page()
        watch.attach(page)
        yield OpenPage(page, watch)
    finally:
        await _close(context, chromium)


def _agent(version: str) -> str:
    """Chromium's own user agent, and who drives it: logs tell our visits from others'."""
    chrome = f"HeadlessChrome/{version.partition('.')[0]}.0.0.0"
    return f"{_ENGINE} {chrome} Safari/537.36 chefrelease/{__version__}"


async def _close(context: BrowserContext, chromium: Chromium) -> None:
    """Close a context, also one whose page hangs; a browser that cannot even do that is killed."""
    from playwright.async_api import Error

    try:
        async with asyncio.timeout(_CLOSE_S):
            await context.close()
    except Error:  # it is gone already, with its browser
        return
    except TimeoutError:
        chromium.kill()


async def _start_playwright() -> Playwright:
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        raise no_library() from None
    return await async_playwright().start()


def _is_good(task: asyncio.Task[T]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


async def _result(task: asyncio.Task[T] | None) -> T | None:
    """What a start came to; one that is under way is waited for, one that failed is nothing."""
    if task is None:
        return None
    await asyncio.wait([task])
    return task.result() if _is_good(task) else None
