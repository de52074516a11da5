"""The browser probe: real Chromium against pages with one habit or one fault each."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import Error

from pytest_chefrelease.errors import MissingExtra, NotConfigured, PageLost
from pytest_chefrelease.probes.browser import BrowserProbe, Outcome
from pytest_chefrelease.probes.chromium import candidates
from pytest_chefrelease.probes.dropped_cookies import CookieWatch
from pytest_chefrelease.probes.page_look import OpenPage, Visit, read
from pytest_chefrelease.probes.page_reading import PageReading
from tests.probes.web_site import (
    Answering,
    Loop,
    Site,
    data,
    looping,
    never,
    never_ends,
    page,
    redirect,
    rendered,
    shows,
    status,
)

# Pages have a time budget: a browser beside other tests would be late by itself.
pytestmark = pytest.mark.alone

BUDGET_S = 6.0
LONG = "A sentence that is longer than what a spinner says, by far, and then some more. " * 2
UNDER_A_CLASS = f'<main class="loading"><h1>Menu</h1><p>{LONG}</p></main>'
OVERLAY = '<div style="position:fixed;inset:0;background:white"></div>'
SOCKET = "setInterval(() => new WebSocket(location.origin.replace('http', 'ws')), 50);"
TICKER = "setInterval(() => { document.title = p.textContent = 'ab'[i++ % 2] }, 60); let i = 0;"
STRAY = "setInterval(() => { location.replace(location.pathname + '?' + Date.now()) }, 400);"

WAITING = (  # what it looks like, and how the look calls it
    ('<section aria-busy="true">Orders</section>', "section “Orders”"),
    ('<div role="progressbar">o</div>', "div “o”"),
    ('<div class="Spinner_root__x1">o</div>', "div.Spinner_root__x1 “o”"),
    ('<div class="MuiSkeleton-root">o</div>', "div.MuiSkeleton-root “o”"),
    ('<div class="isLoading">o</div>', "div.isLoading “o”"),
    ('<svg class="animate-spin" width="20" height="20"></svg>', "svg"),
    ('<div class="animate-pulse" style="height:20px"></div>', "div.animate-pulse"),
    ("<p>Loading orders…</p>", "p “Loading orders…”"),
    ("<p>Please wait...</p>", "p “Please wait...”"),
    ("<button>Loading…</button>", "button “Loading…”"),
)
PAGES: dict[str, str | Answering] = {
    "plain": page("<h1>Welcome</h1>"),
    "late": rendered(shows("Orders", after_ms=600)),
    "disabled": page(
        "<input disabled>",
        "setTimeout(() => f.disabled = false, 600); const f = document.querySelector('input')",
    ),
    "moved": page("<h1>One moment</h1>", "setTimeout(() => location.href = '/plain', 600)"),
    "by-http": redirect("/plain"),
    "class-left-behind": page(UNDER_A_CLASS),
    "quantity": page('<h1>Stock</h1><div role="progressbar" aria-valuenow="70">70 %</div>'),
    "hidden-spinner": page('<h1>Stock</h1><div class="spinner" style="display:none">o</div>'),
    "lazy-image": page('<h1>Menu</h1><img class="lazy-loading" width="50" height="50">'),
    "known-spinner": page('<h1>Menu</h1><i class="spinner logo">o</i>'),
    "web-socket": page("<h1>Live</h1>", SOCKET),
    "clock": page(
        "<h1></h1>", "setInterval(() => document.querySelector('h1').textContent = Date.now(), 40)"
    ),
    "ticker": page("<h1>News</h1><p id=p>b</p>", TICKER),
    "long-poll": page("<h1>Live</h1>", "fetch('/never')"),
    "endless-image": page("<h1>Menu</h1><img src='/never' width='9' height='9'>"),
    "dialogs": page("<h1>Hi</h1>", "alert('one'); confirm('two'); document.title = 'after'"),
    "popup": page("<h1>Hi</h1>", "window.open('/plain')"),
    "shadow": page(
        "<x-app></x-app>",
        "const app = document.querySelector('x-app');"
        "app.attachShadow({mode: 'open'}).innerHTML = '<h1>Inside</h1>'",
    ),
    "blank": page(""),
    "overlay": page(f"<h1>Covered</h1>{OVERLAY}"),
    "white-on-white": page('<h1 style="color:white">Nothing</h1>'),
    "status-500": status(500, "<h1>Oops</h1>"),
    "missing-chunk": page(
        '<div class="spinner">o</div>', head='<script src="/chunk.js" defer></script>'
    ),
    "endless-chunk": page("<h1>Menu</h1>", head='<script src="/never" async></script>'),
    "missing-style": page("<h1>Menu</h1>", head='<link rel="stylesheet" href="/style.css">'),
    "refused-style": page("<h1>Menu</h1>", head='<link rel="stylesheet" href="/typed.css">'),
    "refused-script": page("<h1>Menu</h1>", head='<script src="/typed.js"></script>'),
    "refused-module": page("<h1>Menu</h1>", head='<script src="/typed.js" type="module"></script>'),
    "endless-page": never_ends,
    "no-answer": never,
    "stray": page("<h1>Round</h1>", STRAY),
    "loop": redirect("/loop"),
    "thrown": page("<h1>Menu</h1>", "setTimeout(() => { throw new Error('boom') })"),
    "rejected": page("<h1>Menu</h1>", "Promise.reject(new TypeError('no good'))"),
    "console": page(
        "<h1>Menu</h1>", "console.error('The above error occurred in the <Menu> component')"
    ),
    "calls": page(
        "<h1>Menu</h1>",
        "fetch('/items'); fetch('/broken'); fetch('http://127.0.0.1:9/x').catch(() => 0)",
    ),
    "cancelled": page(
        "<h1>Menu</h1>",
        "const c = new AbortController(); setTimeout(() => c.abort(), 50);"
        "fetch('/never', {signal: c.signal}).catch(() => 0)",
    ),
    "prefetch": page("<h1>Menu</h1>", "fetch('/broken', {headers: {'next-router-prefetch': '1'}})"),
    "many-errors": page("<h1>Menu</h1>", "for (let i = 0; i < 150; i++) console.error(i)"),
    "waiting-1": page("<h1>Shop</h1>" + "".join(body for body, _ in WAITING[:5])),
    "waiting-2": page("<h1>Shop</h1>" + "".join(body for body, _ in WAITING[5:])),
}


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    with looping() as running:
        yield running


@pytest.fixture(scope="module")
def site(loop: Loop) -> Iterator[Site]:
    pages: dict[str, str | Answering] = {f"/{name}": made for name, made in PAGES.items()}
    pages |= {
        "/never": never,
        "/typed.css": status(404, "Not Found", {"x-content-type-options": "nosniff"}),
        "/typed.js": status(200, "<h1>Home</h1>", {"x-content-type-options": "nosniff"}),
        "/items": data([1]),
        "/broken": data({}, code=500),
        "/secret": page("<h1>alice@example.test</h1>"),
        "/masked": page("<h1>•••</h1>"),
        "/hang": page("<h1>Menu</h1>", "setTimeout(() => { while (true); }, 200)"),
    }
    running = loop.run(Site(pages).start())
    yield running
    loop.run(running.stop())


@pytest.fixture(scope="module")
def browser(loop: Loop) -> Iterator[BrowserProbe]:
    probe = BrowserProbe()
    yield probe
    loop.run(probe.close())


def visit(url: str, **changes: object) -> Visit:
    options = {"budget_s": BUDGET_S, "quiet_s": 0.6, "patience_s": 1.5, **changes}
    return Visit(url, **options)  # type: ignore[arg-type]  # a table of mixed options


@pytest.fixture(scope="module")
def readings(loop: Loop, site: Site, browser: BrowserProbe) -> dict[str, PageReading]:
    """All pages at once: the tests below each look at their own."""
    names = list(PAGES)

    async def read_all() -> list[PageReading]:
        looks = (visit(f"{site.url}/{name}", harmless=(".logo",)) for name in names)
        return await asyncio.gather(*(browser.read(look) for look in looks))

    return dict(zip(names, loop.run(read_all(), 120), strict=True))


def text_of(reading: PageReading) -> str:
    assert reading.state is not None
    return reading.state.text


@pytest.mark.parametrize(
    "name",
    [
        *("plain", "class-left-behind", "quantity", "hidden-spinner", "lazy-image"),
        *("known-spinner", "web-socket", "clock", "ticker", "long-poll", "endless-image"),
        *("dialogs", "popup", "shadow", "missing-style", "cancelled", "many-errors"),
    ],
)
def test_a_page_that_can_be_used_settles(readings: dict[str, PageReading], name: str) -> None:
    reading = readings[name]

    assert reading.status == 200
    assert reading.usable_ms is not None
    assert reading.colours >= 2
    assert reading.screenshot.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize(("name", "text"), [("late", "Orders"), ("moved", "Welcome")])
def test_what_a_script_does_later_is_waited_for(
    readings: dict[str, PageReading], name: str, text: str
) -> None:
    reading = readings[name]

    assert text_of(reading) == text
    assert reading.usable_ms is not None
    assert 500 < reading.usable_ms <= BUDGET_S * 1000


def test_inputs_are_waited_for_until_they_take_input(readings: dict[str, PageReading]) -> None:
    usable_ms = readings["disabled"].usable_ms

    assert usable_ms is not None
    assert usable_ms > 500


def test_a_redirect_by_http_names_the_way(readings: dict[str, PageReading], site: Site) -> None:
    reading = readings["by-http"]

    assert reading.redirects == (f"{site.url}/by-http",)
    assert reading.path == "/plain"
    assert reading.status == 200


def test_a_redirect_in_the_browser_is_followed(readings: dict[str, PageReading]) -> None:
    assert readings["moved"].path == "/plain"


def test_text_inside_components_is_read(readings: dict[str, PageReading]) -> None:
    assert "Inside" in text_of(readings["shadow"])


def test_dialogs_are_dismissed_and_named(readings: dict[str, PageReading]) -> None:
    reading = readings["dialogs"]

    assert reading.events.dialogs == ("alert: one", "confirm: two")
    assert reading.state is not None
    assert reading.state.title == "after"


@pytest.mark.parametrize(("part", "seen"), [(1, WAITING[:5]), (2, WAITING[5:])])
def test_whatever_says_that_it_waits_is_no_usable_page(
    readings: dict[str, PageReading], part: int, seen: tuple[tuple[str, str], ...]
) -> None:
    reading = readings[f"waiting-{part}"]

    assert reading.usable_ms is None
    assert reading.state is not None
    assert reading.state.waiting == tuple(label for _, label in seen)


@pytest.mark.parametrize(
    "name", ["blank", "missing-chunk", "endless-chunk", "endless-page", "stray"]
)
def test_a_page_that_does_not_come_to_rest_is_not_usable(
    readings: dict[str, PageReading], name: str
) -> None:
    assert readings[name].usable_ms is None


@pytest.mark.parametrize("name", ["overlay", "white-on-white"])
def test_a_picture_of_one_colour_is_told(readings: dict[str, PageReading], name: str) -> None:
    assert readings[name].usable_ms is not None
    assert readings[name].colours == 1


@pytest.mark.parametrize(
    ("name", "kind", "path"),
    [("missing-chunk", "script", "/chunk.js"), ("missing-style", "stylesheet", "/style.css")],
)
def test_a_missing_file_of_the_page_is_told(
    readings: dict[str, PageReading], site: Site, name: str, kind: str, path: str
) -> None:
    failed = readings[name].events.failed

    assert (kind, f"{site.url}{path}", 404) in [(r.kind, r.url, r.status) for r in failed]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("refused-style", "stylesheet"), ("refused-script", "script"), ("refused-module", "script")],
)
def test_a_file_that_comes_with_a_wrong_type_is_told(
    readings: dict[str, PageReading], name: str, kind: str
) -> None:
    (failed,) = [r for r in readings[name].events.failed if "typed" in r.url]

    assert failed.kind == kind
    assert failed.error.startswith("refused, it came ")


def test_a_file_that_never_comes_is_told(readings: dict[str, PageReading], site: Site) -> None:
    unfinished = readings["endless-chunk"].events.unfinished

    assert [(r.kind, r.url) for r in unfinished] == [("script", f"{site.url}/never")]


def test_calls_of_scripts_are_told_by_their_answers(
    readings: dict[str, PageReading], site: Site
) -> None:
    events = readings["calls"].events

    assert {(r.url, r.status) for r in events.data} == {
        (f"{site.url}/items", 200),
        (f"{site.url}/broken", 500),
    }
    assert {r.url for r in events.failed if r.is_data} == {
        f"{site.url}/broken",
        "http://127.0.0.1:9/x",
    }


def test_a_call_that_the_page_cancels_did_not_fail(readings: dict[str, PageReading]) -> None:
    assert [r for r in readings["cancelled"].events.failed if r.is_data] == []


def test_what_is_fetched_ahead_is_marked(readings: dict[str, PageReading]) -> None:
    failed = [r for r in readings["prefetch"].events.failed if r.is_data]

    assert [r.is_prefetch for r in failed] == [True]


def test_a_page_that_fails_for_ever_does_not_fill_the_memory(
    readings: dict[str, PageReading],
) -> None:
    assert len(readings["many-errors"].events.console) == 100


@pytest.mark.parametrize(
    ("name", "text"), [("thrown", "Error: boom"), ("rejected", "TypeError: no good")]
)
def test_an_uncaught_error_is_told_with_its_script(
    readings: dict[str, PageReading], site: Site, name: str, text: str
) -> None:
    (error,) = readings[name].events.uncaught

    assert error.text == text
    assert error.addresses == (f"{site.url}/{name}",)


def test_an_error_on_the_console_is_no_uncaught_one(readings: dict[str, PageReading]) -> None:
    events = readings["console"].events

    assert events.uncaught == ()
    assert [e.text for e in events.console if "above" in e.text] == [
        "The above error occurred in the <Menu> component"
    ]


@pytest.mark.parametrize(
    ("name", "problem"),
    [("no-answer", "no document within 6 s"), ("loop", "net::ERR_TOO_MANY_REDIRECTS")],
)
def test_an_address_without_a_page_is_told(
    readings: dict[str, PageReading], name: str, problem: str
) -> None:
    assert readings[name].problem == problem
    assert readings[name].state is None


def test_a_refused_connection_is_told(loop: Loop, browser: BrowserProbe) -> None:
    reading = loop.run(browser.read(visit("http://127.0.0.1:9/")))

    assert reading.problem == "net::ERR_UNSAFE_PORT"


def test_an_error_status_is_told(readings: dict[str, PageReading]) -> None:
    assert readings["status-500"].status == 500


def test_a_hidden_value_is_in_neither_text_nor_picture(
    loop: Loop, browser: BrowserProbe, site: Site
) -> None:
    look = visit(f"{site.url}/secret?user=alice%40example.test", hidden=("alice@example.test",))

    hidden = loop.run(browser.read(look))
    masked = loop.run(browser.read(visit(f"{site.url}/masked")))

    assert text_of(hidden) == "•••"
    assert "alice" not in hidden.address
    assert hidden.screenshot == masked.screenshot


def test_cookies_that_the_browser_drops_are_named_without_their_values(
    loop: Loop, browser: BrowserProbe, site: Site
) -> None:
    site.pages["/dropped"] = status(
        200,
        "<script>document.cookie = 'mine=s3cret; Domain=other.test';"
        "document.cookie = 'good=s3cret; path=/';"
        "document.cookie = 'ended=; Max-Age=0'</script><h1>Hi</h1>",
        {"set-cookie": "session=s3cret; Domain=elsewhere.test; HttpOnly"},
    )

    async def work(opened: OpenPage) -> tuple[str, ...]:
        cookies = await CookieWatch.begin(opened.page)
        await read(opened, visit(f"{site.url}/dropped"))
        kept = await opened.page.context.cookies()
        return cookies.dropped({str(each.get("name")) for each in kept})

    dropped = loop.run(browser.work(work, site.url, 30.0)).value

    assert sorted(dropped) == [
        "mine (Domain=other.test)",
        "session (Domain=elsewhere.test; HttpOnly): InvalidDomain",
    ]


def test_a_selector_that_is_none_is_a_mistake_in_settings(
    loop: Loop, browser: BrowserProbe, site: Site
) -> None:
    with pytest.raises(NotConfigured, match="harmless_spinners"):
        loop.run(browser.read(visit(f"{site.url}/plain", harmless=("p:no",))))


def test_a_page_that_hangs_is_lost_alone(loop: Loop, browser: BrowserProbe, site: Site) -> None:
    hanging = visit(f"{site.url}/hang", budget_s=0.5, patience_s=0.5, grace_s=0.5)

    async def both() -> list[PageReading | BaseException]:
        looks = [browser.read(hanging), browser.read(visit(f"{site.url}/plain"))]
        return await asyncio.gather(*looks, return_exceptions=True)

    lost, well = loop.run(both())

    assert isinstance(lost, PageLost)
    assert lost.is_hung
    assert lost.summary.count("the page did not react any more within 1.5 s") == 2
    assert isinstance(well, PageReading)
    assert well.incidents == ()


class FailingOnce:
    """Work that does something bad to its browser the first time, and then reads a page."""

    def __init__(self, look: Visit) -> None:
        self.look = look
        self.pids: list[int] = []

    async def __call__(self, opened: OpenPage) -> PageReading:
        browser = opened.page.context.browser
        assert browser is not None
        control = await browser.new_browser_cdp_session()
        told = await control.send("SystemInfo.getProcessInfo")
        self.pids.append(next(p["id"] for p in told["processInfo"] if p["type"] == "browser"))
        if len(self.pids) == 1:
            await self.misbehave(opened)
        return await read(opened, self.look)

    async def misbehave(self, opened: OpenPage) -> None:
        raise NotImplementedError


class CrashingPage(FailingOnce):
    async def misbehave(self, opened: OpenPage) -> None:
        with suppress(Error):
            await opened.page.goto("chrome://crash")
        await opened.page.evaluate("1")


class CrashingBrowser(FailingOnce):
    async def misbehave(self, opened: OpenPage) -> None:
        os.kill(self.pids[0], signal.SIGKILL)


class HangingBrowser(FailingOnce):
    async def misbehave(self, opened: OpenPage) -> None:
        os.killpg(self.pids[0], signal.SIGSTOP)


def is_running(pid: int) -> bool:
    """Whether the process lives; a zombie that nobody has collected yet does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


@pytest.mark.parametrize(
    ("kind", "incident", "limit_s"),
    [
        (CrashingPage, "the page crashed", 20),
        (CrashingBrowser, "the browser crashed", 20),
        (HangingBrowser, "the browser did not react any more within 5 s and was killed", 5),
    ],
)
def test_a_browser_that_fails_once_gets_a_second_try_and_is_named(
    loop: Loop, site: Site, kind: type[FailingOnce], incident: str, limit_s: float
) -> None:
    probe = BrowserProbe()
    look = visit(f"{site.url}/plain")
    work = kind(look)

    async def go() -> tuple[Outcome[PageReading], PageReading]:
        try:
            return await probe.work(work, site.url, limit_s), await probe.read(look)
        finally:
            await probe.close()

    outcome, after = loop.run(go())

    assert outcome.value.usable_ms is not None
    assert outcome.incidents == (f"{incident}; a second try in a fresh browser went well",)
    assert after.incidents == ()
    assert len(set(work.pids)) == 2
    assert not any(is_running(pid) for pid in work.pids)


def test_a_cancelled_look_leaves_no_page_and_closing_no_process(loop: Loop, site: Site) -> None:
    probe = BrowserProbe()
    is_open = asyncio.Event()

    async def wait(_opened: OpenPage) -> None:
        is_open.set()
        await asyncio.sleep(60)

    async def go() -> tuple[int, int]:
        looking = asyncio.create_task(probe.work(wait, site.url, 60))
        await is_open.wait()
        looking.cancel()
        await asyncio.wait([looking])
        assert looking.cancelled()
        chromium = await probe._shared()
        contexts = len(chromium.browser.contexts)
        await probe.close()
        await probe.close()
        return contexts, chromium.pid

    contexts, pid = loop.run(go())

    assert contexts == 0
    assert not is_running(pid)


def test_closing_does_not_wait_for_a_browser_that_hangs(loop: Loop, site: Site) -> None:
    probe = BrowserProbe()

    async def go() -> int:
        pid = (await probe._shared()).pid
        os.killpg(pid, signal.SIGSTOP)
        await probe.close()
        return pid

    started = time.perf_counter()
    pid = loop.run(go())

    assert time.perf_counter() - started < 30
    assert not is_running(pid)


def test_without_the_library_the_line_that_installs_it_is_named(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "playwright.async_api", None)
    with pytest.raises(MissingExtra) as missing:
        loop.run(BrowserProbe().read(visit("http://127.0.0.1/")))

    assert missing.value.remedy == "pip install 'pytest-chefrelease[browser]'"


def program(folder: Path, name: str, code: int = 0) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho cannot start >&2\nexit {code}\n", encoding="ascii")
    path.chmod(0o755)
    return str(path)


def test_without_a_chromium_the_command_that_installs_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingExtra) as missing:
        candidates(None, {"PATH": str(tmp_path)}, str(tmp_path / "none"))

    assert "chefrelease browser install" in missing.value.remedy


def test_the_program_of_settings_comes_before_the_variable_and_the_path(tmp_path: Path) -> None:
    named, variable = program(tmp_path, "mine"), program(tmp_path, "other")
    on_path, own = program(tmp_path, "chromium"), program(tmp_path, "own")
    environment = {"PATH": str(tmp_path), "CHEFRELEASE_CHROMIUM": variable}

    assert candidates(named, environment, own) == (named,)
    assert candidates(None, environment, own) == (variable,)
    assert candidates(None, {"PATH": str(tmp_path)}, own) == (on_path, own)


def test_a_named_program_that_is_not_there_is_no_reason_to_take_another(tmp_path: Path) -> None:
    program(tmp_path, "chromium")

    with pytest.raises(MissingExtra, match=r"routes\.chromium names gone"):
        candidates("gone", {"PATH": str(tmp_path)}, "")


def test_a_chromium_that_only_pretends_is_passed_over(
    loop: Loop, site: Site, tmp_path: Path
) -> None:
    program(tmp_path, "chromium", code=1)
    probe = BrowserProbe(environment={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})

    async def go() -> PageReading:
        try:
            return await probe.read(visit(f"{site.url}/plain"))
        finally:
            await probe.close()

    # The second program of the list is only there under another name.
    (tmp_path / "chromium-browser").symlink_to(candidates(None, os.environ, "")[0])
    assert loop.run(go()).usable_ms is not None


def test_where_nothing_starts_each_reason_is_named(loop: Loop, tmp_path: Path) -> None:
    pretending = program(tmp_path, "chromium", code=1)
    probe = BrowserProbe(chromium=pretending)

    async def go() -> None:
        try:
            await probe.read(visit("http://127.0.0.1/"))
        finally:
            await probe.close()

    with pytest.raises(MissingExtra, match="no Chromium starts here") as missing:
        loop.run(go())
    assert pretending in missing.value.summary
