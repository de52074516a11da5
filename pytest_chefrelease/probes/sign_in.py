"""Logs in through a site's own form, as a visitor does, and looks at what comes after."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from msgspec import Struct

from pytest_chefrelease.probes.dropped_cookies import CookieWatch
from pytest_chefrelease.probes.page_look import OpenPage, Visit, look, read, settle
from pytest_chefrelease.probes.page_reading import PageReading, origin_of, path_of, without

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page, StorageState

_POLL_S = 0.1
_CLICK_MS = 2_000
_FILL_MS = 5_000
_MOST_TEXTS = 20
_USER_FIELDS = (
    "input[autocomplete=username]",
    "input[type=email]",
    "input[name*=email i]",
    "input[name*=user i]",
    "input[id*=email i]",
    "input[id*=user i]",
    "input[type=text]",
    "input:not([type])",
)
_SUBMIT = "button[type=submit], input[type=submit], button:not([type])"
_SUBMIT_NAME = re.compile(r"log.?in|sign.?in|continue|submit", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SignIn:
    """One try to log in.

    ``login`` is how to look at the login page (its ``hidden`` should hold user and password),
    ``landing`` the address that only a login shows with data. Selectors that are None are
    found by role and type. ``data_selector`` names elements that hold data on the landing page.
    """

    login: Visit
    landing: str
    user: str = field(repr=False)
    password: str = field(repr=False)
    user_selector: str | None = None
    password_selector: str | None = None
    submit_selector: str | None = None
    data_selector: str | None = None

    @property
    def limit_s(self) -> float:
        """The time in seconds after which a try that has not ended hangs."""
        return 3 * self.login.limit_s


@dataclass(frozen=True, slots=True, repr=False)
class Session:
    """What a browser keeps of a login: cookies, local and session storage of ``origin``.

    Whoever holds it is logged in: it is never shown and never written.
    """

    state: StorageState
    origin: str
    items: str

    @property
    def script(self) -> str:
        """Sets the session storage, which a context's state leaves out, in a new page."""
        return (
            f"if (location.origin === {self.origin!r})"
            f" for (const [name, value] of Object.entries({self.items}))"
            " sessionStorage.setItem(name, value);"
        )


class SignedIn(Struct, frozen=True):
    """What came of a try to log in.

    ``form`` is the login page before anything was typed; ``problem`` says why the form could
    not be sent. ``has_left`` says that the login page was left, ``after`` where to.
    ``landing`` is a fresh load of the landing page, so that only what the browser keeps of
    the login counts; ``data_texts`` are the texts of its ``data_selector``. ``cookies`` is how
    many the browser kept, ``dropped`` names those that were set and that it did not keep.
    """

    form: PageReading
    problem: str = ""
    has_left: bool = False
    after: str = ""
    shows_password: bool = False
    landing: PageReading | None = None
    data_texts: tuple[str, ...] = ()
    cookies: int = 0
    dropped: tuple[str, ...] = ()
    session: Session | None = None
    incidents: tuple[str, ...] = ()


async def sign_in(opened: OpenPage, request: SignIn) -> SignedIn:
    """Open the login page, send the form, and load the landing page afresh."""
    cookie_watch = await CookieWatch.begin(opened.page)
    form = await read(opened, request.login)
    if form.state is None:
        return SignedIn(form, problem=form.problem or "the login page did not come to rest")
    problem = await _send(opened.page, request)
    if problem:
        return SignedIn(form, problem=problem)
    has_left = await _leaves(opened, request.login)
    if has_left:
        await settle(opened, request.login, time.perf_counter())
    after = opened.page.url
    shows_password = _holds(opened.watch.events().addresses, request.password)
    session = await _session(opened.page, origin_of(request.landing))
    landing, texts = await _landing(opened, request)
    kept = session.state.get("cookies", [])
    return SignedIn(
        form=form,
        has_left=has_left,
        after=without(after, request.login.hidden),
        shows_password=shows_password,
        landing=landing,
        data_texts=texts,
        cookies=len(kept),
        dropped=cookie_watch.dropped({str(each.get("name")) for each in kept}),
        session=session,
    )


async def _send(page: Page, request: SignIn) -> str:
    """Fill the form and send it; returns why that could not be done, or nothing.

    Playwright's own messages repeat what was typed, so none of them is passed on.
    """
    from playwright.async_api import Error

    password = page.locator(request.password_selector or "input[type=password]").first
    if not await password.is_visible():
        return "the login page has no visible password field"
    form = page.locator("form").filter(has=password)
    user = await _user_field(page, form, request.user_selector)
    if user is None:
        return "the login page has no visible field for the user"
    try:
        await user.fill(request.user, timeout=_FILL_MS)
        await password.fill(request.password, timeout=_FILL_MS)
    except Error:
        return "the login form takes no input"
    await _submit(page, form, password, request.submit_selector)
    return ""


async def _user_field(page: Page, form: Locator, selector: str | None) -> Locator | None:
    if selector is not None:
        field = page.locator(selector).first
        return field if await field.is_visible() else None
    places = [form.first, page.locator("body")] if await form.count() else [page.locator("body")]
    for place in places:
        for candidate in _USER_FIELDS:
            field = place.locator(candidate).first
            if await field.is_visible():
                return field
    return None


async def _submit(page: Page, form: Locator, password: Locator, selector: str | None) -> None:
    """Press the form's button; where something covers it (a cookie banner), the Enter key."""
    from playwright.async_api import Error

    button = page.get_by_role("button", name=_SUBMIT_NAME).first
    if selector is not None:
        button = page.locator(selector).first
    elif await form.count():
        button = form.first.locator(_SUBMIT).first
    try:
        await button.click(timeout=_CLICK_MS, no_wait_after=True)
    except Error:
        await password.press("Enter", timeout=_CLICK_MS, no_wait_after=True)


async def _leaves(opened: OpenPage, visit: Visit) -> bool:
    """Whether the login page is left, before it has been idle for long enough to say no.

    Where the server refused a call there is less to wait for. A page that was left for only a
    moment was left: what sends the visitor back is the next page's doing.
    """
    submitted = time.perf_counter()
    before = opened.watch.events()
    login = path_of(visit.url)
    while (now := time.perf_counter()) - submitted < visit.budget_s:
        state = await look(opened.page, visit.harmless)
        events = opened.watch.events()
        if any(path_of(a) != login for a in events.addresses[len(before.addresses) :]):
            return True
        is_refused = len(events.failed) > len(before.failed)
        idle_s = visit.quiet_s if is_refused else visit.patience_s
        is_idle = now - max(opened.watch.last_change, submitted) >= idle_s
        if is_idle and state is not None and not state.waiting and not opened.watch.lacks_data:
            return False
        await asyncio.sleep(_POLL_S)
    return False


async def _landing(opened: OpenPage, request: SignIn) -> tuple[PageReading, tuple[str, ...]]:
    visit = replace(request.login, url=request.landing)
    opened.watch.forget()
    reading = await read(opened, visit)
    if request.data_selector is None or reading.state is None:
        return reading, ()
    found = await opened.page.locator(request.data_selector).all()
    texts = [await element.inner_text() for element in found[:_MOST_TEXTS]]
    return reading, tuple(without(text.strip(), visit.hidden) for text in texts)


async def _session(page: Page, origin: str) -> Session:
    items = await page.evaluate("JSON.stringify({ ...sessionStorage })")
    return Session(await page.context.storage_state(), origin, str(items))


def _holds(addresses: tuple[str, ...], password: str) -> bool:
    return any(without(address, (password,)) != address for address in addresses)
