"""The rules by which a page that a browser saw is judged, without a browser."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from msgspec import structs

from pytest_chefrelease.checks.routes.page_faults import (
    Expectation,
    faults_of,
    is_within,
    redirect_note,
)
from pytest_chefrelease.probes.page_reading import (
    Events,
    PageReading,
    Request,
    ScriptError,
    State,
    without,
)

SITE, API = "https://shop.test", "https://api.shop.test"
EXPECTED = Expectation(
    path="/orders",
    site=SITE,
    api=API,
    login="/login",
    is_protected=True,
    is_logged_in=False,
    budget_s=10,
    error_texts=("Something went wrong",),
)
STATE = State(
    address=f"{SITE}/orders",
    title="Orders",
    text="Orders",
    is_parsed=True,
    waiting=(),
    shown=3,
    fields=0,
    fields_enabled=0,
    passwords_enabled=0,
)
WELL = PageReading(
    asked=f"{SITE}/orders",
    observed_at=datetime(2026, 11, 24, tzinfo=UTC),
    status=200,
    state=STATE,
    usable_ms=800,
    colours=20,
)
LOGGED_IN = structs.replace(EXPECTED, is_logged_in=True)


def seen(reading: PageReading, expected: Expectation = EXPECTED) -> list[str]:
    return [fault.seen for fault in faults_of(reading, expected)]


def at(address: str) -> PageReading:
    return replace(WELL, state=replace(STATE, address=address, passwords_enabled=1))


def failing(url: str, **told: object) -> PageReading:
    options = {"method": "GET", "kind": "fetch", "status": 500, **told}
    request = Request(url=url, **options)  # type: ignore[arg-type]  # a table of mixed options
    return replace(WELL, events=Events(failed=(request,)))


def saying(text: str, *addresses: str) -> PageReading:
    return replace(WELL, events=Events(console=(ScriptError(text, addresses),)))


def test_a_page_that_is_well_has_no_fault() -> None:
    assert seen(WELL) == []


@pytest.mark.parametrize(
    ("url", "within"),
    [
        (f"{SITE}/x", True),
        ("http://shop.test/x", True),
        ("https://www.shop.test/", True),
        ("https://shop.test:443/", True),
        ("https://shop.test:8443/", False),
        ("https://api.shop.test/", False),
        ("https://shop.test.evil.test/", False),
        ("about:blank", False),
    ],
)
def test_a_site_is_a_host_with_or_without_www(url: str, *, within: bool) -> None:
    assert is_within(url, SITE) is within


def test_a_protected_page_may_ask_for_a_login_only_of_those_without() -> None:
    asked = at(f"{SITE}/login?redirect=%2Forders")

    assert seen(asked) == []
    assert redirect_note(asked, EXPECTED) == "leads to /login, right without a login"
    assert seen(asked, LOGGED_IN) == ["it leads to /login although logged in"]
    assert seen(asked, structs.replace(EXPECTED, is_protected=False)) == [
        "it asks for a login (leads to /login)"
    ]


def test_the_landing_page_may_lead_to_the_login() -> None:
    landing = structs.replace(EXPECTED, path="/", is_protected=False)

    assert seen(at(f"{SITE}/login"), landing) == []


def test_the_login_that_a_page_leads_to_must_be_one() -> None:
    formless = replace(WELL, state=replace(STATE, address=f"{SITE}/login"))

    assert seen(formless) == ["it leads to /login, and there is no password field that takes input"]


def test_a_login_at_another_site_is_known_by_its_address() -> None:
    elsewhere = at("https://id.shop.test/authorize?client=1")

    assert seen(elsewhere) == ["it leads to https://id.shop.test, out of the site"]
    assert seen(elsewhere, structs.replace(EXPECTED, login="https://id.shop.test/authorize")) == []


def test_a_page_that_moved_within_the_site_is_named() -> None:
    moved = at(f"{SITE}/pos/orders/")

    assert seen(moved) == []
    assert redirect_note(moved, EXPECTED) == "leads to /pos/orders"


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_call_is_right_only_without_a_login(code: int) -> None:
    refused = failing(f"{API}/orders", status=code)

    assert seen(refused) == []
    assert seen(refused, LOGGED_IN) == [
        f"a fetch failed: GET {API}/orders: status {code}",
    ]


@pytest.mark.parametrize(
    ("url", "counts"),
    [
        (f"{SITE}/api/menu", True),
        (f"{API}/orders", True),
        ("https://cdn.shop.test/a.js", False),
        ("https://tracker.test/t", False),
        ("http://localhost:3001/orders", True),
        ("http://127.0.0.1:3001/orders", True),
        ("http://[::1]:3001/orders", True),
    ],
)
def test_failed_requests_count_where_the_product_answers_for_them(
    url: str, *, counts: bool
) -> None:
    assert bool(seen(failing(url))) is counts


def test_an_address_of_this_machine_in_a_build_is_explained() -> None:
    (fault,) = faults_of(failing("http://localhost:3001/orders", status=None, error="x"), EXPECTED)

    assert "NEXT_PUBLIC_API_URL is fixed at build time" in fault.remedy


def test_origins_of_settings_count_and_allowed_addresses_do_not() -> None:
    script = failing("https://cdn.shop.test/a.js", kind="script", status=404)

    assert seen(script, structs.replace(EXPECTED, own_origins=("https://cdn.shop.test",))) != []
    assert seen(failing(f"{API}/flags"), structs.replace(EXPECTED, allowed=("/flags$",))) == []


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("Uncaught (in promise) TypeError: x is undefined", True),
        ("The above error occurred in the <Orders> component", True),
        ("Error: Minified React error #418", True),
        ("ChunkLoadError: Loading chunk 7 failed.", True),
        ("Failed to load resource: the server responded with a status of 401", False),
        ("Warning: each child in a list should have a unique key", False),
    ],
)
def test_the_console_counts_where_it_tells_of_an_error_while_rendering(
    text: str, *, counts: bool
) -> None:
    assert bool(seen(saying(text))) is counts


def test_an_error_of_another_sites_script_does_not_count() -> None:
    assert seen(saying("Uncaught Error", "https://tracker.test/t.js")) == []
    assert seen(saying("Uncaught Error", "https://tracker.test/t.js", f"{SITE}/a.js")) != []


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (replace(STATE, waiting=("div.spinner",)), "after 10 s it still shows div.spinner"),
        (replace(STATE, shown=0), "after 10 s nothing is visible"),
        (replace(STATE, fields=2), "after 10 s all 2 inputs are still disabled"),
        (STATE, "after 10 s it is still loading or changing"),
    ],
)
def test_a_page_that_cannot_be_used_says_why(state: State, text: str) -> None:
    assert seen(replace(WELL, state=state, usable_ms=None)) == [text]


def test_a_page_that_goes_round_says_where() -> None:
    events = Events(addresses=(f"{SITE}/a", f"{SITE}/b", f"{SITE}/a"))

    assert seen(replace(WELL, events=events, usable_ms=None)) == [
        "after 10 s its address keeps changing (/a → /b → /a)"
    ]


def test_an_error_page_is_known_by_text_or_title() -> None:
    titled = replace(STATE, title="Something went WRONG")

    assert seen(replace(WELL, state=titled)) == ["it shows “Something went wrong”"]


def test_what_explains_most_comes_first() -> None:
    chunk = Request("GET", f"{SITE}/_next/c.js", "script", 404)
    reading = replace(
        WELL,
        state=replace(STATE, waiting=("div.spinner",)),
        usable_ms=None,
        events=Events(failed=(chunk,)),
    )

    assert seen(reading) == [
        f"a script failed: GET {SITE}/_next/c.js: status 404",
        "after 10 s it still shows div.spinner",
    ]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("hello a@b.test!", "hello •••!"),
        ("?user=a%40b.test&p=s%20%2F%2B", "?user=•••&p=•••"),
        ("?p=s+%2F%2B", "?p=•••"),
        ("nothing", "nothing"),
    ],
)
def test_hidden_values_are_masked_in_every_usual_writing(text: str, masked: str) -> None:
    assert without(text, ("a@b.test", "s /+", "")) == masked
