"""Opens an address in a page and looks until it is settled: the page as a visitor has it.

Read at the load event, every page rendered in the browser looks fine. So the page is polled
until address and text stand still, nothing spins and inputs take input; "no request under
way" is no condition, since pages that poll or stream never come to it.
"""

from __future__ import annotations

import asyncio
import base64
import re
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec

from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.page_reading import MASK, Events, PageReading, State, without
from pytest_chefrelease.probes.page_watch import PageWatch
from pytest_chefrelease.probes.picture import count_colours

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page, Response

_POLL_S = 0.2
_MOST_TEXT = 20_000
_SCALE = 0.1  # of the small picture whose colours are counted
_QUALITY = 60
_PICTURE_TRIES = 3
_SIZE = {"width": 1280, "height": 800}


@dataclass(frozen=True, slots=True)
class Visit:
    """How to look at an address.

    ``budget_s`` is the time until the page must be usable; a page counts as settled after
    ``quiet_s`` without any change, or after ``patience_s`` in which only its text moved or
    calls of scripts stayed open (tickers, long polling); beyond both, ``grace_s`` is the time
    that the browser itself may take. ``harmless`` are selectors of what
    only looks like a spinner; ``hidden`` are values masked in text and picture.
    """

    url: str
    budget_s: float
    quiet_s: float = 1.0
    patience_s: float = 3.0
    grace_s: float = 8.0
    harmless: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()

    @property
    def limit_s(self) -> float:
        """The time in seconds after which a look that has not ended hangs."""
        return self.budget_s + self.patience_s + self.grace_s


@dataclass(frozen=True, slots=True)
class OpenPage:
    """A page in a context of its own, and the watch that listens to it."""

    page: Page
    watch: PageWatch


async def read(opened: OpenPage, visit: Visit) -> PageReading:
    """Open the address and look until the page is settled, or the budget is spent."""
    reading = PageReading(asked=visit.url, observed_at=datetime.now(UTC))
    started = time.perf_counter()
    try:
        response = await _open(opened.page, visit)
    except _NoDocument as error:
        events = masked_events(opened.watch.events(), visit.hidden)
        return replace(reading, problem=str(error), events=events)
    settled = await settle(opened, visit, started)
    reading = replace(
        reading,
        status=response.status if response is not None else None,
        headers=dict(response.headers) if response is not None else {},
        redirects=_redirects(response),
        state=_masked(settled.state, visit.hidden),
        usable_ms=settled.usable_ms,
    )
    return await _with_picture(opened, reading, visit.hidden)


class _NoDocument(Exception):
    """The browser got no page at the address; the message is its reason."""


async def _open(page: Page, visit: Visit) -> Response | None:
    from playwright.async_api import Error

    try:
        return await page.goto(visit.url, wait_until="commit", timeout=visit.budget_s * 1000)
    except Error as error:
        if page.is_closed() or "crashed" in error.message:
            raise
        raise _NoDocument(_reason(error.message, visit)) from None


def _reason(message: str, visit: Visit) -> str:
    first = message.splitlines()[0].removeprefix("Page.goto: ").partition(" at http")[0]
    if first.startswith("Timeout"):
        return f"no document within {visit.budget_s:g} s"
    return without(first[:200], visit.hidden)


def _redirects(response: Response | None) -> tuple[str, ...]:
    addresses: list[str] = []
    request = response.request.redirected_from if response is not None else None
    while request is not None and len(addresses) < 20:
        addresses.append(request.url)
        request = request.redirected_from
    return tuple(reversed(addresses))


@dataclass(frozen=True, slots=True)
class Settled:
    """The last look; ``usable_ms`` is None where the page did not settle in its budget."""

    state: State | None
    usable_ms: float | None


async def settle(opened: OpenPage, visit: Visit, started: float) -> Settled:
    """Look until the page stands still, counting from ``started`` (perf_counter's seconds)."""
    calm: float | None = None  # since when it can be used, though something still moves
    silent: float | None = None  # since when nothing moves
    before: State | None = None
    while True:
        state = await look(opened.page, visit.harmless)
        now = time.perf_counter()
        is_calm = state is not None and state.is_ready and not opened.watch.lacks_essentials
        stays = state is not None and before is not None and state.address == before.address
        is_silent = stays and not opened.watch.lacks_data and _same(state, before)
        calm = (calm if stays else None) or now if is_calm else None
        silent = (silent if is_silent else None) or now if is_calm else None
        for since, long_enough in ((silent, visit.quiet_s), (calm, visit.patience_s)):
            if since is not None and now - since >= long_enough:
                return _settled(state, since - started, visit)
        if now - started > visit.budget_s and (calm is None or calm - started > visit.budget_s):
            return Settled(state or before, None)
        before = state or before
        await asyncio.sleep(_POLL_S)


def _settled(state: State | None, after_s: float, visit: Visit) -> Settled:
    return Settled(state, after_s * 1000 if after_s <= visit.budget_s else None)


def _same(one: State | None, other: State | None) -> bool:
    """Whether two looks show the same; numbers may run, as clocks and counters do."""
    if one is None or other is None:
        return False
    return re.sub(r"\d+", "0", one.text) == re.sub(r"\d+", "0", other.text)


async def look(page: Page, harmless: tuple[str, ...] = ()) -> State | None:
    """One look; None while the page is between two documents."""
    from playwright.async_api import Error

    options = {"harmless": list(harmless), "text": _MOST_TEXT}
    try:
        return msgspec.convert(await page.evaluate(_script(), options), State)
    except Error as error:
        if "not a valid selector" in error.message:
            raise NotConfigured(
                "one of routes.harmless_spinners is no CSS selector",
                remedy="Correct it in release.toml.",
            ) from None
        if page.is_closed() or "crashed" in error.message:
            raise
        return None


@cache
def _script() -> str:
    return (files(__package__) / "page_state.js").read_text(encoding="utf-8")


def _masked(state: State | None, hidden: tuple[str, ...]) -> State | None:
    if state is None or not hidden:
        return state
    return replace(
        state,
        address=without(state.address, hidden),
        title=without(state.title, hidden),
        text=without(state.text, hidden),
        waiting=tuple(without(text, hidden) for text in state.waiting),
    )


def masked_events(events: Events, hidden: tuple[str, ...]) -> Events:
    """The events with every hidden value masked: addresses and messages may repeat it."""
    return msgspec.convert(_mask(msgspec.to_builtins(events), hidden), Events) if hidden else events


def _mask(value: object, hidden: tuple[str, ...]) -> object:
    if isinstance(value, str):
        return without(value, hidden)
    if isinstance(value, list | tuple):
        return [_mask(item, hidden) for item in value]
    if isinstance(value, dict):
        return {key: _mask(item, hidden) for key, item in value.items()}
    return value


async def _with_picture(
    opened: OpenPage, reading: PageReading, hidden: tuple[str, ...]
) -> PageReading:
    """The reading with its events and pictures.

    The pictures are asked of the browser itself: Playwright's own screenshot waits for fonts,
    and so for ever where a font never comes.
    """
    await opened.watch.read_bodies()
    events = masked_events(opened.watch.events(), hidden)
    if hidden:
        await opened.page.evaluate(_MASKING, {"hidden": list(hidden), "mask": MASK})
    control = await opened.page.context.new_cdp_session(opened.page)
    clip = {"x": 0, "y": 0, **_SIZE, "scale": _SCALE}
    small = await _picture(opened, control, {"format": "png", "clip": clip})
    large = await _picture(opened, control, {"format": "jpeg", "quality": _QUALITY})
    colours = count_colours(small) if small else 0
    return replace(reading, events=events, colours=colours, screenshot=large)


async def _picture(opened: OpenPage, control: CDPSession, options: dict[str, object]) -> bytes:
    """A picture; empty where the page is between two documents each time it is asked."""
    from playwright.async_api import Error

    for _ in range(_PICTURE_TRIES):
        try:
            answer = await control.send("Page.captureScreenshot", options)
            return base64.b64decode(answer["data"])
        except Error:
            if opened.page.is_closed() or opened.watch.crashed:
                raise
            await asyncio.sleep(_POLL_S)
    return b""


_MASKING = """({ hidden, mask }) => {
  const clean = (text) => hidden.reduce((kept, value) => kept.replaceAll(value, mask), text);
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const masked = clean(walker.currentNode.data);
    if (masked !== walker.currentNode.data) walker.currentNode.data = masked;
  }
  for (const field of document.querySelectorAll("input, textarea"))
    if (clean(field.value) !== field.value) field.value = mask;
}"""
