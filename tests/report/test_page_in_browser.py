"""The page in a real browser: reachable, calm, and asking nobody for anything."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect, sync_playwright

from pytest_chefrelease.probes.chromium import candidates
from pytest_chefrelease.report.html import Surroundings, page
from pytest_chefrelease.runbook.record import StageRecord
from tests.report import samples

# Pages have a time budget: a browser beside other tests would be late by itself.
pytestmark = pytest.mark.alone

WELL = samples.all_well()
RECORDS: dict[str, tuple[StageRecord, Surroundings]] = {
    "every-outcome": (
        samples.every_outcome(),
        Surroundings(earlier=(WELL,), previous=samples.many(3), by="Ada Lovelace"),
    ),
    "all-well": (WELL, Surroundings()),
    "hostile": (samples.hostile(), Surroundings(by=samples.HOSTILE[1])),
    "many": (samples.many(10_000), Surroundings()),
    "nothing": (samples.record_of(()), Surroundings()),
}
OVERFLOWING = """() => [...document.querySelectorAll('.cr *')]
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, .skip'))
  .map(e => e.outerHTML.slice(0, 100))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        program = next(path for path in candidates(None, os.environ, own) if Path(path).exists())
        chromium = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    paths = {name: folder / f"{name}.html" for name in RECORDS}
    for name, (record, around) in RECORDS.items():
        paths[name].write_text(page(record, around))
    return paths


def show(browser: Browser, path: Path, width: int = 1280, **options: object) -> Page:
    """The page in a fresh context; ``options`` are those of the context."""
    options = {"viewport": {"width": width, "height": 900}} | options
    context = browser.new_context(**options)  # type: ignore[arg-type]
    shown = context.new_page()
    shown.goto(path.as_uri())
    return shown


def open_all(shown: Page) -> None:
    shown.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("every-outcome", "light"),
        ("every-outcome", "dark"),
        ("all-well", "light"),
        ("all-well", "dark"),
        ("nothing", "light"),  # a HOLD
        ("nothing", "dark"),
        ("hostile", "light"),
    ],
)
def test_axe_finds_no_violation(
    browser: Browser, files: dict[str, Path], name: str, scheme: str
) -> None:
    shown = show(browser, files[name], color_scheme=scheme, bypass_csp=True)
    open_all(shown)

    found = Axe().run(shown)

    assert found.violations_count == 0, found.generate_report()
    assert found.response["passes"]
    shown.context.close()


@pytest.mark.parametrize("name", RECORDS)
def test_the_page_requests_nothing_and_runs_nothing_foreign(
    browser: Browser, files: dict[str, Path], name: str
) -> None:
    context = browser.new_context()
    shown = context.new_page()
    requested: list[str] = []
    said: list[str] = []
    shown.on("request", lambda request: requested.append(request.url))
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))

    shown.goto(files[name].as_uri())
    open_all(shown)
    shown.wait_for_load_state()

    asked = [url for url in requested if not url.startswith("data:")]
    assert asked == [files[name].as_uri()]
    assert said == []
    assert shown.evaluate("window.stolen") is None
    context.close()


@pytest.mark.parametrize("width", [360, 2560])
@pytest.mark.parametrize("name", ["every-outcome", "hostile"])
def test_nothing_runs_out_of_the_window(
    browser: Browser, files: dict[str, Path], name: str, width: int
) -> None:
    shown = show(browser, files[name], width)
    open_all(shown)

    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.evaluate(OVERFLOWING) == []
    shown.context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_the_first_screen_holds_verdict_reason_and_way_out(
    browser: Browser, files: dict[str, Path], width: int
) -> None:
    shown = show(browser, files["every-outcome"], width)

    for selector in ("h1", ".why", ".to-go", ".which dd"):
        box = shown.locator(selector).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900
    h1 = shown.locator("h1").bounding_box()
    assert h1 is not None
    assert h1["height"] > 50
    shown.context.close()


def test_without_javascript_everything_is_shown(browser: Browser, files: dict[str, Path]) -> None:
    shown = show(browser, files["every-outcome"], java_script_enabled=False)

    assert shown.locator(".outcomes").is_hidden()
    assert shown.locator(".card").count() == len(samples.every_outcome().results)
    assert all(card.is_visible() for card in shown.locator(".card").all())
    shown.locator(".card.passed summary").first.click()
    assert shown.locator(".card.passed .b").first.is_visible()
    shown.context.close()


def test_outcomes_can_be_filtered_by_keyboard(browser: Browser, files: dict[str, Path]) -> None:
    shown = show(browser, files["every-outcome"])
    button = shown.get_by_role("button", name="waived 1")

    button.focus()
    shown.keyboard.press("Enter")

    visible = [card for card in shown.locator(".card").all() if card.is_visible()]
    assert [str(card.get_attribute("class")) for card in visible] == ["card waived"]
    assert [s.text_content() for s in shown.locator(".sec h3").all() if s.is_visible()] == [
        "Beyond the runbook"
    ]
    assert button.get_attribute("aria-pressed") == "true"
    assert shown.get_by_role("status").text_content() == "Shown: waived 1"
    shown.get_by_role("button", name="All 8").click()
    assert all(card.is_visible() for card in shown.locator(".card").all())
    shown.context.close()


def test_the_first_tab_leads_past_the_head(browser: Browser, files: dict[str, Path]) -> None:
    shown = show(browser, files["every-outcome"])

    shown.keyboard.press("Tab")

    skip = shown.locator(".skip")
    assert skip.evaluate("e => e === document.activeElement")
    assert skip.is_visible()
    skip.press("Enter")
    assert shown.url.endswith("#results")
    shown.context.close()


def test_a_click_selects_a_whole_command(browser: Browser, files: dict[str, Path]) -> None:
    shown = show(browser, files["every-outcome"])

    shown.locator(".commands code").first.click()

    selected = shown.evaluate("getSelection().toString()")
    assert selected == samples.every_outcome().response.commands[0]
    shown.context.close()


def test_a_section_leads_to_its_text(browser: Browser, files: dict[str, Path]) -> None:
    shown = show(browser, files["every-outcome"])

    shown.get_by_role("link", name=re.compile("Runbook.*Monitoring Checklist")).click()

    heading = shown.get_by_role("heading", name="Monitoring Checklist").last
    expect(heading).to_be_in_viewport()
    assert heading.get_attribute("id") == "runbook-monitoring-checklist"
    shown.context.close()


def test_pictures_are_shown(browser: Browser, files: dict[str, Path]) -> None:
    shown = show(browser, files["every-outcome"])
    open_all(shown)
    image = shown.locator(".picture img")
    image.scroll_into_view_if_needed()

    assert image.evaluate("async e => { await e.decode(); return e.naturalWidth }") == 320
    data = str(image.get_attribute("src")).partition(",")[2]
    assert base64.b64decode(data).startswith(b"\x89PNG")
    shown.context.close()


def test_on_paper_the_verdict_and_the_results_stay(
    browser: Browser, files: dict[str, Path]
) -> None:
    shown = show(browser, files["every-outcome"])
    shown.emulate_media(media="print")

    assert shown.locator("h1").is_visible()
    assert shown.locator(".outcomes").is_hidden()
    assert shown.locator(".runbook").is_hidden()
    assert shown.locator(".verdict").evaluate("e => getComputedStyle(e).backgroundColor") == (
        "rgb(168, 31, 26)"
    )
    assert shown.pdf(print_background=True).startswith(b"%PDF")
    shown.context.close()


def test_ten_thousand_results_are_there_in_a_moment(
    browser: Browser, files: dict[str, Path]
) -> None:
    shown = show(browser, files["many"])

    painted = shown.evaluate(
        "new Promise(done => new PerformanceObserver(l => done(l.getEntries()[0].startTime))"
        ".observe({type: 'paint', buffered: true}))"
    )
    assert painted < 3_000
    assert shown.locator(".rows.passed").count() == 1
    shown.locator(".rows.passed > summary").click()
    assert shown.get_by_text("GET /items/9999", exact=True).count() == 1
    shown.context.close()
