"""Whether a page shows what the API answered."""

from __future__ import annotations

import json

import pytest

from pytest_chefrelease.checks.routes.shown_data import count_shown, is_real


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"name": "Terrace nine"}, "Table  TERRACE\nnine"),
        ([{"total": "128.50"}], "€ 128.50"),
        ({"total": 128.5}, "128.50 €"),
        ({"cents": 12850}, "$128.50"),
        ({"sold": 12345}, "12,345 sold"),
        ({"sold": 1234567}, "1\u2019234\u2019567 sold"),
        ({"sold": -42}, "-42"),
        ({"deep": {"er": [[{"x": 99}]]}}, "99 %"),
    ],
)
def test_a_value_is_found_as_pages_write_it(value: object, text: str) -> None:
    assert count_shown(text, (json.dumps(value),)) == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"name": "Terrace nine"}, "Dashboard data loaded"),
        ([], "Dashboard data loaded, 128 orders"),
        ({"ok": True, "n": 3}, "true 3"),
        ({"name": "open"}, "reopened"),
        ({"sold": 42}, "142 and 420"),
        ({"size": float("inf")}, "inf Infinity"),
    ],
)
def test_what_the_api_did_not_answer_is_not_found(value: object, text: str) -> None:
    assert count_shown(text, (json.dumps(value),)) == 0


def test_an_answer_that_is_no_json_shows_nothing() -> None:
    assert count_shown("Terrace", ("<p>Terrace</p>", "", "[" * 100_000)) == 0


def test_each_value_counts_once() -> None:
    bodies = (json.dumps(["Flour", "Sugar"]), json.dumps({"again": "Flour"}))

    assert count_shown("Flour, sugar, flour", bodies) == 2


@pytest.mark.parametrize("text", ["", " ", "-", "—", "…", "Loading…", "N/A", "null", "$NaN", "..."])
def test_a_placeholder_is_no_value(text: str) -> None:
    assert not is_real(text)


@pytest.mark.parametrize("text", ["0", "0.00 €", "Nan Restaurant", "12 - 14"])
def test_a_value_is_real(text: str) -> None:
    assert is_real(text)
