"""The browser's installation says plainly what happened; nothing is downloaded here."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_chefrelease.cli import chefrelease
from pytest_chefrelease.errors import MissingExtra, ProbeError, Unreachable
from pytest_chefrelease.probes import browser_install
from pytest_chefrelease.probes.browser_install import install_chromium

NOBODY = {"PLAYWRIGHT_DOWNLOAD_HOST": "http://127.0.0.1:9"}


def program(path: Path, says: str) -> Path:
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where Playwright keeps its own: there is nothing yet."""
    path = tmp_path / "chrome"
    monkeypatch.setattr(browser_install, "own_program", lambda: path)
    return path


def test_without_a_way_to_the_host_it_says_so_and_what_else_there_is(
    own: Path, tmp_path: Path
) -> None:
    told = {**os.environ, **NOBODY, "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path / "browsers")}

    with pytest.raises(Unreachable) as error:
        install_chromium(told)

    assert "the download's host cannot be reached" in error.value.seen
    assert "127.0.0.1:9" in error.value.seen
    assert "PLAYWRIGHT_DOWNLOAD_HOST" in error.value.remedy
    assert not own.exists()


def test_one_that_is_there_is_left_alone(own: Path) -> None:
    program(own, "echo Chromium 156.0")

    ran = CliRunner().invoke(chefrelease, ["browser", "install"])

    assert ran.exit_code == 0
    assert f"Chromium 156.0 was there already: {own}" in ran.output


def test_one_that_does_not_start_is_no_success(own: Path) -> None:
    program(own, "exit 127")

    with pytest.raises(ProbeError, match="does not start") as error:
        install_chromium(os.environ)

    assert "install-deps" in error.value.remedy


def test_an_installer_that_ends_well_and_brings_nothing_is_no_success(
    own: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(program(tmp_path / "python", "echo done")))

    with pytest.raises(ProbeError, match=r"exit code 0.*: done"):
        install_chromium(os.environ)


def test_without_the_library_the_line_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(browser_install, "find_spec", lambda _name: None)

    with pytest.raises(MissingExtra) as error:
        install_chromium({})

    assert "pytest-chefrelease[browser]" in error.value.remedy
