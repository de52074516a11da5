"""What the documents show of settings is valid, and their links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.settings.load import validate
from pytest_chefrelease.settings.unknown_items import unknown_items
from tests.docs.pages import PAGES, blocks

_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_in_a_page_is_valid_and_speaks_of_items_that_exist(page: Path) -> None:
    for text in blocks(page, "toml"):
        settings = validate(tomllib.loads(text))
        assert unknown_items(settings, catalogue()) == [], text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    links = [found[0] for found in _LINK.findall(page.read_text(encoding="utf-8"))]
    assert [link for link in links if not (page.parent / link).exists()] == []
