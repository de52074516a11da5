"""The page in the file that real pytest-html wrote."""

from __future__ import annotations

import errno
import html
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, sync_playwright

from pytest_chefrelease.probes.chromium import candidates
from pytest_chefrelease.report.actor import actor
from pytest_chefrelease.report.html import Surroundings, finish_html, headline
from pytest_chefrelease.report.html.delivery import ordinary_tests
from pytest_chefrelease.report.redact import Redactor
from tests.report import samples

CONFTEST = """
def pytest_html_results_table_row(report, cells):
    if report.nodeid.startswith("verifications/"):
        cells.clear()

def pytest_html_results_summary(prefix):
    prefix.append(open("headline.html").read())
"""
VERIFICATION = "def test_health_endpoint(): pass"
ORDINARY = """
import pytest

def test_good():
    print("hunter22 in the output")

def test_bad():
    assert 1 == 2, "<script>window.stolen=1</script> hunter22"

@pytest.mark.skip(reason="not today")
def test_skipped():
    pass
"""


def run_pytest(folder: Path, *, with_ordinary: bool) -> str:
    (folder / "verifications").mkdir()
    (folder / "verifications/test_health.py").write_text(VERIFICATION)
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "headline.html").write_text(headline(samples.every_outcome()))
    if with_ordinary:
        (folder / "test_own.py").write_text(ORDINARY)
    command = [sys.executable, "-m", "pytest", "-q", "--html=out.html", "--self-contained-html"]
    subprocess.run(
        [*command, "-p", "no:chefrelease", "-p", "no:xdist", "-p", "no:cacheprovider", "."],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    return (folder / "out.html").read_text()


@pytest.fixture(scope="module")
def gate_only(tmp_path_factory: pytest.TempPathFactory) -> str:
    return run_pytest(tmp_path_factory.mktemp("gate"), with_ordinary=False)


@pytest.fixture(scope="module")
def with_ordinary(tmp_path_factory: pytest.TempPathFactory) -> str:
    return run_pytest(tmp_path_factory.mktemp("both"), with_ordinary=True)


def finished(path: Path, written: str) -> str:
    path.write_text(written)
    redactor = Redactor(["hunter22"])
    finish_html(path, samples.every_outcome(), Surroundings(by="Ada"), redact=redactor.text)
    return path.read_text()


def test_where_only_items_ran_the_page_stands_alone(tmp_path: Path, gate_only: str) -> None:
    text = finished(tmp_path / "out.html", gate_only)

    assert ordinary_tests(gate_only) == ""
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "data-jsonblob" not in text
    assert "Other tests" not in text


def test_until_then_pytest_html_itself_says_the_verdict(gate_only: str) -> None:
    assert "<strong>NO-GO</strong> postrelease" in gate_only


def test_ordinary_tests_keep_their_table(tmp_path: Path, with_ordinary: str) -> None:
    text = finished(tmp_path / "out.html", with_ordinary)

    assert text.count("<html") == text.count("<h1") == 1
    assert "<!--chefrelease-->" not in text
    blob = text.split('data-jsonblob="')[1].split('"')[0]
    tests = json.loads(html.unescape(blob))["tests"]
    assert set(tests) == {
        *("test_own.py::test_good", "test_own.py::test_bad", "test_own.py::test_skipped"),
    }


def test_what_ordinary_tests_say_holds_no_secret(tmp_path: Path, with_ordinary: str) -> None:
    assert "hunter22" in with_ordinary
    assert "hunter22" not in finished(tmp_path / "out.html", with_ordinary)


@pytest.mark.parametrize("written", ["", "no page at all", "<html><body></body></html>"])
def test_a_broken_file_of_pytest_html_is_replaced(tmp_path: Path, written: str) -> None:
    assert "NO-GO" in finished(tmp_path / "out.html", written)


def test_a_missing_file_is_written(tmp_path: Path) -> None:
    finish_html(tmp_path / "reports/out.html", samples.all_well())

    assert "<title>GO prerelease" in (tmp_path / "reports/out.html").read_text()


def test_a_full_disk_leaves_what_pytest_html_wrote(
    tmp_path: Path, gate_only: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.html"
    path.write_text(gate_only)

    def disk_is_full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", disk_is_full)
    with pytest.raises(OSError, match="No space left"):
        finish_html(path, samples.every_outcome())

    assert path.read_text() == gate_only


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, with_ordinary: str) -> Iterator[Page]:
    path = tmp_path_factory.mktemp("shown") / "out.html"
    finished(path, with_ordinary)
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        program = next(path for path in candidates(None, os.environ, own) if Path(path).exists())
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page(viewport={"width": 360, "height": 800}, bypass_csp=True)
        page.goto(path.as_uri())
        yield page
        browser.close()


def test_pytest_htmls_rows_are_drawn_in_our_page(shown: Page) -> None:
    rows = shown.locator(".ordinary #results-table .collapsible")

    rows.first.wait_for()
    assert [row.locator(".col-result").inner_text() for row in rows.all()] == [
        *("Failed", "Skipped", "Passed"),
    ]
    assert shown.evaluate("window.stolen") is None
    assert shown.evaluate("document.documentElement.scrollWidth") == 360


def test_axe_finds_no_violation_with_ordinary_tests_either(shown: Page) -> None:
    shown.locator(".ordinary #results-table .collapsible").first.wait_for()

    found = Axe().run(shown)

    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"GITHUB_ACTOR": "octocat"}, "octocat"),
        ({"GITLAB_USER_NAME": "Ada"}, "Ada"),
        ({"BUILD_REQUESTEDFOR": "Grace"}, "Grace"),
    ],
)
def test_the_actor_is_the_one_that_ci_names(
    environment: dict[str, str], name: str, tmp_path: Path
) -> None:
    assert actor(environment, tmp_path) == name


def test_the_actor_is_else_the_user_of_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "config", "user.name", "Ada L"], cwd=tmp_path, check=True)

    assert actor({}, tmp_path) == "Ada L"
    assert actor({}, tmp_path / "missing") == ""
