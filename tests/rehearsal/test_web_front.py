"""The web front in a real browser: what a visitor has, signed out and signed in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from playwright.sync_api import Browser, Page, Response, expect, sync_playwright

from pytest_chefrelease.probes.chromium import candidates
from pytest_chefrelease.rehearsal.intercept import Intercept
from pytest_chefrelease.rehearsal.stack import Stack

if TYPE_CHECKING:
    import httpx

# Pages have a time budget: a browser beside other tests would be late by itself.
pytestmark = pytest.mark.alone

PROTECTED = ("/dashboard", "/orders", "/inventory")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        program = next(path for path in candidates(None, os.environ, own) if Path(path).exists())
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(stack: Stack, browser: Browser) -> Iterator[Page]:
    with browser.new_context(base_url=stack.web_url) as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        yield page


def sign_in(page: Page, stack: Stack, password: str | None = None) -> None:
    page.fill("#email", stack.environment["CHEFRELEASE_LOGIN_USER"])
    page.fill("#password", password or stack.environment["CHEFRELEASE_LOGIN_PASSWORD"])
    page.click("button[type=submit]")


def test_a_document_holds_nothing_but_loading(stack: Stack, http: httpx.Client) -> None:
    for path in ("/", "/login", *PROTECTED):
        answer = http.get(f"{stack.web_url}{path}")
        assert answer.status_code == 200
        assert "Loading…" in answer.text
        assert "Sign in" not in answer.text


def test_an_unknown_page_is_404_with_the_frameworks_words(stack: Stack, http: httpx.Client) -> None:
    answer = http.get(f"{stack.web_url}/kitchen")

    assert answer.status_code == 404
    assert "This page could not be found" in answer.text


def test_the_landing_page_is_rendered_without_an_error(page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    page.goto("/")

    expect(page.get_by_role("heading", level=1)).to_have_text("Run the kitchen, not the paperwork")
    assert errors == []


@pytest.mark.parametrize("path", PROTECTED)
def test_a_protected_page_leads_to_the_login_in_the_browser(page: Page, path: str) -> None:
    page.goto(path)

    page.wait_for_url(f"**/login?redirect=%2F{path[1:]}")


def test_inputs_are_disabled_until_the_page_is_hydrated(page: Page) -> None:
    page.add_init_script(
        """new MutationObserver(() => {
            const input = document.querySelector("#email");
            if (input && window.wasDisabled === undefined) window.wasDisabled = input.disabled;
        }).observe(document, {childList: true, subtree: true});"""
    )
    page.goto("/login")
    page.wait_for_selector("#email")

    assert page.evaluate("window.wasDisabled") is True
    expect(page.locator("#email")).to_be_enabled()


def test_a_login_leads_back_to_the_page_asked_for_with_data(page: Page, stack: Stack) -> None:
    page.goto("/inventory")
    sign_in(page, stack)

    page.wait_for_url("**/inventory")
    expect(page.get_by_text("Mascarpone")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Mascarpone")).to_be_visible()


def test_the_dashboard_shows_what_the_database_holds(page: Page, stack: Stack) -> None:
    with psycopg.connect(stack.production.url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM orders WHERE status = 'open'"
            " AND opened_at > now() - interval '24 hours'"
        ).fetchone()
    page.goto("/login")
    sign_in(page, stack)

    expect(page.get_by_test_id("open-orders")).to_have_text(str(row[0] if row else None))
    expect(page.get_by_test_id("revenue")).to_contain_text("€")


def test_a_wrong_password_does_not_log_in(page: Page, stack: Stack) -> None:
    page.goto("/login")
    sign_in(page, stack, password="wrong")

    expect(page.get_by_role("alert")).to_have_text("E-mail or password is wrong.")
    page.goto("/dashboard")
    page.wait_for_url("**/login?redirect=%2Fdashboard")


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_a_login_never_leads_to_another_site(page: Page, stack: Stack, target: str) -> None:
    page.goto(f"/login?redirect={target}")
    sign_in(page, stack)

    page.wait_for_url(f"{stack.web_url}/dashboard")


def test_signing_out_ends_the_session(page: Page, stack: Stack) -> None:
    page.goto("/login")
    sign_in(page, stack)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")

    page.goto("/orders")
    page.wait_for_url("**/login?redirect=%2Forders")


def test_without_the_api_a_visitor_sees_no_difference(page: Page, stack: Stack) -> None:
    stack.refuse("production-api")

    page.goto("/orders")

    page.wait_for_url("**/login?redirect=%2Forders")


def test_data_cannot_become_markup(page: Page, stack: Stack) -> None:
    stack.production.execute(
        "UPDATE inventory_items SET name = %s WHERE name = 'Mascarpone'",
        ("<img src=x onerror=alert(1)>",),
    )
    page.goto("/inventory")
    sign_in(page, stack)

    expect(page.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
    assert page.locator("td img").count() == 0


def test_without_its_chunk_a_page_loads_for_ever(page: Page, stack: Stack) -> None:
    stack.intercept(Intercept("production-web", "/_next/static/*/pages/landing.js", status=404))
    answers: list[Response] = []
    page.on("response", lambda answer: answers.extend([answer]))

    page.goto("/")
    page.wait_for_timeout(1500)

    expect(page.get_by_text("Loading…")).to_be_visible()
    assert [answer.status for answer in answers if answer.url.endswith("landing.js")] == [404]


def test_a_render_error_is_caught_and_told(page: Page, stack: Stack) -> None:
    rule = Intercept(
        "production-web",
        "/_next/static/*/pages/landing.js",
        replace=("return h(", "return undefined.crash("),
    )
    stack.intercept(rule)

    page.goto("/")

    expect(page.get_by_text("Something went wrong")).to_be_visible()


def test_a_deploy_changes_the_addresses_of_scripts(stack: Stack, http: httpx.Client) -> None:
    before = http.get(stack.web_url).text
    stack.release()
    after = http.get(stack.web_url).text

    assert "/_next/static/1.4.2-" in before
    assert "/_next/static/1.5.0-" in after
