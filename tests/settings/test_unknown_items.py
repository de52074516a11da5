"""Settings that speak of items which do not exist are mistakes, each with the nearest item."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_chefrelease.settings.unknown_items import unknown_items
from tests.settings.writing import load

KNOWN = ("health.endpoint", "routes.http", "secrets.present", "secrets.strength")
WAIVER = "[[waivers]]\nitem = '{}'\nreason = 'a'\napproved_by = 'b'\nexpires = 2026-12-01"


@pytest.mark.parametrize(
    "text",
    [
        "[not_applicable]\n'health.endpoint' = 'why'",
        "[not_applicable]\n'secrets.*' = 'why'",
        "[not_applicable]\n'secrets.strength[JWT_SECRET]' = 'why'",
        "[not_applicable]\n'routes.http[/orders/*]' = 'why'",
        "[items.'routes.http']\nseverity = 'P3'",
        WAIVER.format("routes.http"),
        WAIVER.format("routes.http[/login]"),
    ],
)
def test_items_that_exist_are_no_mistake(tmp_path: Path, text: str) -> None:
    loaded = load(tmp_path, text)

    assert unknown_items(loaded.settings, KNOWN, loaded.places) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "[not_applicable]\n'health.endpont' = 'why'",
            '2: not_applicable."health.endpont": no such item; did you mean "health.endpoint"?',
        ),
        (
            "[not_applicable]\n'secret.strength[A]' = 'why'",
            (
                '2: not_applicable."secret.strength[A]": no such item; '
                'did you mean "secrets.strength"?'
            ),
        ),
        (
            "[not_applicable]\n'zzz.*' = 'why'",
            (
                '2: not_applicable."zzz.*": no such item; '
                "an id that `pytest --collect-only -m STAGE` lists is allowed"
            ),
        ),
        (
            "[items.'routes.htp']\nseverity = 'P3'",
            '1: items."routes.htp": no such item; did you mean "routes.http"?',
        ),
        (
            "[items]\n'routes.*' = { severity = 'P3' }",
            '2: items."routes.*": no such item; did you mean "routes.http"?',
        ),
        (
            WAIVER.format("routes.htp"),
            '2: waivers[0].item: no such item; did you mean "routes.http"?',
        ),
        (
            WAIVER.format("routes.*"),
            '2: waivers[0].item: no such item; did you mean "routes.http"?',
        ),
    ],
)
def test_an_item_that_does_not_exist_is_named_with_the_nearest(
    tmp_path: Path, text: str, line: str
) -> None:
    loaded = load(tmp_path, text)

    assert unknown_items(loaded.settings, KNOWN, loaded.places) == [f"release.toml:{line}"]


def test_they_are_named_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "[items.b]\n[not_applicable]\nz = 'why'\n" + WAIVER.format("y")
    loaded = load(tmp_path, text)

    found = unknown_items(loaded.settings, KNOWN, loaded.places)

    assert [line.split(": ")[0] for line in found] == [f"release.toml:{n}" for n in (1, 3, 5)]
