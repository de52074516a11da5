"""routes.http, routes.browser and routes.login: red by each fault, green without."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.engine import Task, run
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.checks.routes.http import near_paths, page_text
from pytest_chefrelease.probes.browser import BrowserProbe
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.runbook.evidence import Fact, Picture, Table
from pytest_chefrelease.runbook.item import Severity, Stage, Symptom
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import Settings
from tests.checks.login_site import PASSWORD, USER, VARIANTS, calls_of, pages_of
from tests.probes.web_site import (
    Answering,
    Loop,
    Site,
    data,
    looping,
    never,
    page,
    redirect,
    rendered,
    shows,
    status,
)

# Pages have a time budget: a browser beside other tests would be late by itself.
pytestmark = pytest.mark.alone

BUDGET = "5s"
NOBODY = "http://127.0.0.1:1"
PROTECTED = ("/protected", "/protected-open")
NEXT_404 = "This page could not be found."
FORM = '<form><input type="email"><input type="password"><button>Log in</button></form>'


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    with looping() as running:
        yield running


@pytest.fixture(scope="module")
def api(loop: Loop) -> Iterator[Site]:
    pages: dict[str, str | Answering] = {
        "/items": data([{"name": "Flour"}]),
        "/broken": data({"message": "no"}, code=500),
        "/denied": data({"message": "who are you"}, code=401),
    }
    for name, variant in VARIANTS.items():
        pages |= calls_of(name, variant)
    running = loop.run(Site(pages).start())
    yield running
    loop.run(running.stop())


@pytest.fixture(scope="module")
def front(loop: Loop, api: Site) -> Iterator[Site]:
    running = loop.run(Site().start())
    running.pages |= http_pages() | browser_pages(api.url)
    for name, variant in VARIANTS.items():
        running.pages |= pages_of(name, variant, api.url)
    yield running
    loop.run(running.stop())


@pytest.fixture(scope="module")
def browser(loop: Loop) -> Iterator[BrowserProbe]:
    probe = BrowserProbe(arguments=("--host-resolver-rules=MAP chefcloud.test 127.0.0.1",))
    yield probe
    loop.run(probe.close())


@dataclass
class Desk:
    """Runs checks against the two sites as the engine does, with one browser for all."""

    front: Site
    api: Site
    browser: BrowserProbe | None = None

    async def verify(
        self,
        item: str,
        parameter: str | None = None,
        *,
        web: str | None = None,
        routes: Mapping[str, object] | None = None,
        login: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Result:
        tables = {
            "environments": {"production": {"api": self.api.url, "web": web or self.front.url}},
            "routes": {"budget": BUDGET, "protected": PROTECTED, **(routes or {})},
            "login": login or {},
        }
        settings = Settings.model_validate(tables)
        look = Context(
            settings=settings,
            release=Release("v1.5.0", None, "production"),
            stage=Stage.POSTRELEASE,
            repository=Path("/"),
            probes=Probes(settings, Path("/"), _browser=self.browser),
            once=Once(),
            environment=environment or {},
        )
        try:
            return await run(Task(catalogue()[item], parameter, timeout_s=90), look)
        finally:
            await look.probes.close()


@pytest.fixture(scope="module")
def desk(front: Site, api: Site) -> Desk:
    return Desk(front, api)


# --- routes.http -------------------------------------------------------------------------


def http_pages() -> dict[str, str | Answering]:
    flight = f"self.__next_f.push('{NEXT_404}')"
    return {
        "/": page("<h1>Welcome</h1>"),
        "/plain": page("<h1>Plain</h1>", flight),
        "/moved": redirect("/plain"),
        "/inventory": page("<h1>Stock</h1>"),
        "/pos/orders": page("<h1>Orders</h1>"),
        "/gone": redirect("http://localhost:1/"),
        "/away": redirect(f"{NOBODY}/"),
        "/error-500": status(500, "<h1>Internal</h1>"),
        "/error-page": page(f"<h1>404</h1><p>{NEXT_404}</p>"),
        "/json": data({"status": "ok"}),
        "/maintenance": status(503, "Back soon", {"retry-after": "120"}),
        "/overloaded": status(503, "Too busy"),
        "/round": redirect("/round"),
    }


@pytest.mark.parametrize("path", ["/", "/plain", "/moved"])
def test_a_page_of_the_site_passes(loop: Loop, desk: Desk, path: str) -> None:
    result = loop.run(desk.verify("routes.http", path))

    assert result.outcome is Outcome.PASSED, result.summary


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/error-500", "status 500: Internal"),
        ("/overloaded", "status 503: Too busy"),
        ("/error-page", "status 200, but the page says “This page could not be found”"),
        ("/json", "application/json instead of a page"),
        ("/round", "a redirect loop"),
        ("/away", "127.0.0.1 refused the connection"),
    ],
)
def test_what_is_no_page_fails(loop: Loop, desk: Desk, path: str, seen: str) -> None:
    result = loop.run(desk.verify("routes.http", path))

    assert result.outcome is Outcome.FAILED
    assert result.severity is Severity.P2
    assert seen in result.summary


def test_a_redirect_out_of_the_site_fails(loop: Loop, desk: Desk) -> None:
    elsewhere = {"login_path": "/login"}

    result = loop.run(desk.verify("routes.http", "/", web=desk.api.url, routes=elsewhere))
    assert result.outcome is Outcome.FAILED  # the API has no such page

    desk.api.pages["/to-front"] = redirect(f"{desk.front.url}/plain")
    result = loop.run(desk.verify("routes.http", "/to-front", web=desk.api.url))
    assert "out of the site" in result.summary
    assert result.outcome is Outcome.FAILED


def test_a_redirect_to_a_login_of_another_site_passes_where_settings_say_so(
    loop: Loop, desk: Desk
) -> None:
    desk.api.pages["/to-login"] = redirect(f"{desk.front.url}/plain")
    routes = {"login_path": f"{desk.front.url}/plain"}

    result = loop.run(desk.verify("routes.http", "/to-login", web=desk.api.url, routes=routes))

    assert result.outcome is Outcome.PASSED


def test_a_missing_route_names_the_near_ones_that_answer(loop: Loop, desk: Desk) -> None:
    routes = {"paths": ["/orders", "/inventory", "/nothing"]}

    result = loop.run(desk.verify("routes.http", "/orders", routes=routes))

    assert result.outcome is Outcome.FAILED
    assert result.seen == "status 404; near it answer /pos/orders, /inventory, /"


def test_maintenance_is_said_to_be_what_it_is(loop: Loop, desk: Desk) -> None:
    result = loop.run(desk.verify("routes.http", "/maintenance"))

    assert result.outcome is Outcome.UNVERIFIED
    assert "maintenance is on: status 503, Retry-After 120" in result.summary


def test_without_a_web_address_the_option_is_named(loop: Loop, desk: Desk) -> None:
    unconfigured = Desk(Site(url=""), desk.api)
    settings = Settings()
    look = Context(
        settings=settings,
        release=Release(None, None, "production"),
        stage=Stage.POSTRELEASE,
        repository=Path("/"),
        probes=Probes(settings, Path("/"), _browser=unconfigured.browser),
        once=Once(),
        environment={"CHEFRELEASE_LOGIN_USER": "u", "CHEFRELEASE_LOGIN_PASSWORD": "p"},
    )

    async def all_three() -> list[Result]:
        tasks = (
            Task(catalogue()[f"routes.{name}"], parameter, timeout_s=5)
            for name, parameter in (("http", "/"), ("browser", "/"), ("login", None))
        )
        return [await run(task, look) for task in tasks]

    results = loop.run(all_three())

    assert {result.outcome for result in results} == {Outcome.UNVERIFIED}
    assert all("--web-url=URL" in result.remedy for result in results)


def test_near_paths_are_the_other_number_then_below_others_then_the_others() -> None:
    assert near_paths("/orders", ("/", "/login", "/orders", "/stock")) == (
        "/order",
        "/pos/orders",
        "/stock/orders",
        "/login",
        "/stock",
        "/",
    )


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a<script>b</script>c</p>", "a c"),
        ("<style>b</style><template><p>x</p></template>a &amp; b", "a & b"),
        ("<script>if (a < b) document.write('<p>')</script>z", "z"),
        ("a<script>never closed", "a"),
    ],
)
def test_the_text_of_a_page_is_what_a_visitor_reads(html: str, text: str) -> None:
    assert page_text(html) == text


# --- routes.browser ----------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A page, and what the check says of it; ``seen`` is in the summary."""

    body: str | Answering
    seen: str = ""
    routes: Mapping[str, object] = field(default_factory=dict)


def wrong_pages(api: str) -> dict[str, Case]:
    return {
        "missing-chunk": Case(
            page('<div class="spinner">o</div>', head='<script src="/c.js" defer></script>'),
            "a script failed: GET FRONT/c.js: status 404; after 5 s it still shows div.spinner",
        ),
        "spinner": Case(page('<div class="spinner">o</div>'), "it still shows div.spinner"),
        "disabled": Case(page("<input disabled>"), "all 1 inputs are still disabled"),
        "blank": Case(page(""), "after 5 s nothing is visible"),
        "covered": Case(
            page('<h1>x</h1><div style="position:fixed;inset:0;background:#fff"></div>'),
            "nothing is painted: the picture has one colour",
        ),
        "render-error": Case(
            page("<h2>Something went wrong</h2>", "console.error('The above error occurred in x')"),
            "it shows “Something went wrong”; an error in a script: The above error occurred",
        ),
        "style": Case(
            page("<h1>Menu</h1>", head='<link rel="stylesheet" href="/s.css">'),
            "a stylesheet failed: GET FRONT/s.css: status 404",
        ),
        "api-500": Case(
            rendered(f"fetch('{api}/broken').then(() => {{}});{shows('Menu')}"),
            f"a fetch failed: GET {api}/broken: status 500",
        ),
        "local-500": Case(page("<h1>x</h1>", "fetch('/no-such')"), "FRONT/no-such: status 404"),
        "thrown": Case(page("<h1>x</h1>", "throw new Error('boom')"), "script: Error: boom"),
        "rejected": Case(page("<h1>x</h1>", "Promise.reject(new Error('no'))"), "Error: no"),
        "status": Case(status(500, "<h1>Sorry</h1>"), "the document answers 500"),
        "absent": Case(never, "the browser got no page: no document within 5 s"),
        "elsewhere": Case(redirect(f"{api}/items"), "out of the site"),
        "asks": Case(redirect("/login"), "it asks for a login (leads to /login)"),
        "style-of-wrong-type": Case(
            page("<h1>Menu</h1>", head='<link rel="stylesheet" href="/typed.css">'),
            "a stylesheet failed: GET FRONT/typed.css: refused, it came as text/html",
        ),
        "leads-to-no-form": Case(
            redirect("/no-form"),
            "it leads to /no-form, and there is no password field that takes input",
            {"login_path": "/no-form", "protected": ["/leads-to-no-form"]},
        ),
        "no-form": Case(
            page("<h1>Log in</h1>"),
            "there is no password field that takes input",
            {"login_path": "/no-form"},
        ),
    }


def right_pages(api: str) -> dict[str, Case]:
    quiet = "fetch('http://127.0.0.1:1/track').catch(() => 0); console.error('tracking failed')"
    return {
        "late": Case(rendered(shows("Orders", after_ms=600))),
        "denied": Case(page("<h1>x</h1>", f"fetch('{api}/denied')")),
        "icon": Case(page("<h1>x</h1>", head='<link rel="icon" href="/favicon.ico">')),
        "others": Case(page("<h1>x</h1>", quiet)),
        "allowed": Case(
            page("<h1>x</h1>", "fetch('/flags'); throw new Error('known trouble')"),
            routes={"allowed_errors": ["/flags$", "known trouble"]},
        ),
        "prefetch": Case(page("<h1>x</h1>", "fetch('/x', {headers: {purpose: 'prefetch'}})")),
        "protected": Case(
            page("<p>Loading…</p>", f"fetch('{api}/denied').then(() => location.replace('/login'))")
        ),
        "protected-open": Case(page("<h1>Orders</h1>")),
        "login": Case(page(FORM)),
        "socket": Case(page("<h1>x</h1>", "new WebSocket(location.origin.replace('http', 'ws'))")),
    }


def browser_pages(api: str) -> dict[str, str | Answering]:
    cases = wrong_pages(api) | right_pages(api)
    missing = status(404, "Not Found", {"x-content-type-options": "nosniff"})
    return {f"/{name}": case.body for name, case in cases.items()} | {"/typed.css": missing}


WRONG, RIGHT = tuple(wrong_pages("")), tuple(right_pages(""))


@pytest.fixture(scope="module")
def seen(loop: Loop, desk: Desk, browser: BrowserProbe) -> dict[str, Result]:
    """What the check says of every page, all at once."""
    cases = wrong_pages(desk.api.url) | right_pages(desk.api.url)
    using = Desk(desk.front, desk.api, browser)

    async def verify_all() -> list[Result]:
        checks = [
            using.verify("routes.browser", f"/{name}", routes=case.routes)
            for name, case in cases.items()
        ]
        return await asyncio.gather(*checks)

    return dict(zip(cases, loop.run(verify_all(), 120), strict=True))


def facts(result: Result) -> Mapping[str, Fact]:
    assert result.evidence is not None, result.summary
    return result.evidence.facts


@pytest.mark.parametrize("name", WRONG)
def test_a_page_with_a_fault_fails_by_it(seen: dict[str, Result], desk: Desk, name: str) -> None:
    expected = wrong_pages(desk.api.url)[name].seen.replace("FRONT", desk.front.url)

    assert seen[name].outcome is Outcome.FAILED, seen[name].summary
    assert expected in seen[name].summary


@pytest.mark.parametrize("name", RIGHT)
def test_a_page_without_a_fault_passes(seen: dict[str, Result], name: str) -> None:
    assert seen[name].outcome is Outcome.PASSED, seen[name].summary


def test_the_redirect_of_a_protected_page_is_named(seen: dict[str, Result]) -> None:
    assert "leads to /login, right without a login" in seen["protected"].summary
    assert facts(seen["protected"])["logged_in"] is False


def test_a_screenshot_is_kept_also_of_what_failed(seen: dict[str, Result]) -> None:
    for name in ("late", "render-error"):
        evidence = seen[name].evidence
        assert evidence is not None
        (picture,) = [a for a in evidence.attachments if isinstance(a, Picture)]
        assert picture.media_type == "image/jpeg"
        assert picture.data.startswith("/9j/")


def test_what_does_not_count_is_shown_all_the_same(seen: dict[str, Result]) -> None:
    evidence = seen["others"].evidence
    assert evidence is not None
    tables = {a.title: a.rows for a in evidence.attachments if isinstance(a, Table)}

    assert [row[-1] for row in tables["Failed requests"]] == ["no"]
    assert ("console", "tracking failed", "no") in tables["Errors of scripts"]


def test_a_login_page_without_its_form_means_that_login_is_broken(seen: dict[str, Result]) -> None:
    assert seen["no-form"].symptom is Symptom.LOGIN_BROKEN
    assert seen["spinner"].symptom is None


def test_a_browser_that_settings_do_not_want_is_not_started(loop: Loop, desk: Desk) -> None:
    result = loop.run(desk.verify("routes.browser", "/late", routes={"browser": False}))

    assert result.outcome is Outcome.NOT_APPLICABLE


def test_without_a_browser_the_route_is_unverified_with_the_line_that_mends_it(
    loop: Loop, desk: Desk
) -> None:
    result = loop.run(desk.verify("routes.browser", "/late", routes={"chromium": "no-such"}))

    assert result.outcome is Outcome.UNVERIFIED
    assert "chefrelease browser install" in result.remedy


# --- routes.login ------------------------------------------------------------------------

ACCOUNT = {"CHEFRELEASE_LOGIN_USER": USER, "CHEFRELEASE_LOGIN_PASSWORD": PASSWORD}
WRONG_ACCOUNT = {**ACCOUNT, "CHEFRELEASE_LOGIN_PASSWORD": "mistyped-4711"}


@dataclass(frozen=True)
class Login:
    """One login to verify, and what the check says of it."""

    variant: str
    outcome: Outcome
    seen: str
    login: Mapping[str, str] = field(default_factory=dict)
    account: Mapping[str, str] = field(default_factory=lambda: ACCOUNT)
    host: str = "127.0.0.1"


LOGINS = {
    "good": Login("good", Outcome.PASSED, "a wrong password was refused"),
    "session-storage": Login("session-storage", Outcome.PASSED, "logged in"),
    "banner": Login("banner", Outcome.PASSED, "logged in"),
    "selector": Login("good", Outcome.PASSED, "logged in", {"data_selector": ".order"}),
    "text": Login("good", Outcome.PASSED, "logged in", {"data_text": "Terrace \\w+"}),
    "wrong-account": Login("good", Outcome.FAILED, "the login page stays", account=WRONG_ACCOUNT),
    "no-account": Login(
        "good", Outcome.UNVERIFIED, "CHEFRELEASE_LOGIN_USER and CHEFRELEASE_LOGIN", account={}
    ),
    "secure": Login(
        "secure",
        Outcome.FAILED,
        "a fresh load asks for it again: the browser kept 0 cookies, and "
        "dropped token (path=/; Secure)",
        host="chefcloud.test",
    ),
    "constant": Login("constant", Outcome.FAILED, "/constant/orders: status 500"),
    "profile-500": Login(
        "profile-500",
        Outcome.FAILED,
        "it leads to /profile-500/login although logged in; a fetch failed: GET ",
    ),
    "no-data": Login("no-data", Outcome.UNVERIFIED, "no value that the API answered"),
    "no-element": Login(
        "good", Outcome.FAILED, "of the elements .turnover none", {"data_selector": ".turnover"}
    ),
    "placeholder": Login(
        "placeholder", Outcome.FAILED, ".order 1 without a value", {"data_selector": ".order"}
    ),
    "no-text": Login("good", Outcome.FAILED, "login.data_text", {"data_text": "Turnover"}),
    "open": Login("open", Outcome.FAILED, "a wrong password gets in"),
    "stays": Login("stays", Outcome.FAILED, "the login page stays"),
    "by-address": Login("by-address", Outcome.FAILED, "sends the password in the address"),
    "api-down": Login("api-down", Outcome.FAILED, "the login page stays"),
    "no-form": Login(
        "good", Outcome.FAILED, "no visible password field", {"password_selector": "#pin"}
    ),
}


@pytest.fixture(scope="module")
def logins(loop: Loop, desk: Desk, browser: BrowserProbe) -> dict[str, Result]:
    """What the check says of every login, all at once."""
    using = Desk(desk.front, desk.api, browser)

    def verify(case: Login) -> asyncio.Future[Result]:
        return asyncio.ensure_future(
            using.verify(
                "routes.login",
                web=desk.front.url.replace("127.0.0.1", case.host),
                routes={"login_path": f"/{case.variant}/login"},
                login={"data_path": f"/{case.variant}/dashboard", **case.login},
                environment=case.account,
            )
        )

    async def verify_all() -> list[Result]:
        return await asyncio.gather(*map(verify, LOGINS.values()))

    return dict(zip(LOGINS, loop.run(verify_all(), 180), strict=True))


@pytest.mark.parametrize("name", LOGINS)
def test_a_login_is_judged_by_what_comes_after_it(logins: dict[str, Result], name: str) -> None:
    assert logins[name].outcome is LOGINS[name].outcome, logins[name].summary
    assert LOGINS[name].seen in logins[name].summary


def test_a_login_that_fails_is_p1_and_rolls_back(logins: dict[str, Result]) -> None:
    result = logins["wrong-account"]

    assert result.severity is Severity.P1
    assert (result.symptom or result.item.symptom) is Symptom.LOGIN_BROKEN


def test_neither_user_nor_password_are_in_the_evidence(logins: dict[str, Result]) -> None:
    told = json.dumps([repr(result) for result in logins.values()])

    for secret in (USER, USER.replace("@", "%40"), PASSWORD, "mistyped-4711", "t-1"):
        assert secret not in told


def test_a_protected_route_is_looked_at_logged_in_where_there_is_an_account(
    loop: Loop, desk: Desk, browser: BrowserProbe
) -> None:
    using = Desk(desk.front, desk.api, browser)
    paths = ["/role/dashboard", "/role/orders-page"]
    routes = {"login_path": "/role/login", "protected": paths}
    login = {"data_path": "/role/dashboard"}

    async def both() -> list[Result]:
        checks = [
            using.verify("routes.browser", path, routes=routes, login=login, environment=ACCOUNT)
            for path in paths
        ]
        return await asyncio.gather(*checks)

    dashboard, orders = loop.run(both())

    assert dashboard.outcome is Outcome.PASSED, dashboard.summary
    assert facts(dashboard)["logged_in"] is True
    assert orders.outcome is Outcome.FAILED
    assert "it leads to /role/login although logged in" in orders.summary


def test_a_protected_route_is_unverified_where_the_account_does_not_get_in(
    loop: Loop, desk: Desk, browser: BrowserProbe
) -> None:
    using = Desk(desk.front, desk.api, browser)
    routes = {"login_path": "/good/login", "protected": ["/good/dashboard"]}

    result = loop.run(
        using.verify(
            "routes.browser",
            "/good/dashboard",
            routes=routes,
            login={"data_path": "/good/dashboard"},
            environment=WRONG_ACCOUNT,
        )
    )

    assert result.outcome is Outcome.UNVERIFIED
    assert "well without a login, not seen with one" in result.summary
