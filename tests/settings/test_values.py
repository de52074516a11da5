"""Durations, addresses, names: what is read and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_chefrelease.settings.values import (
    parse_duration,
    parse_moment,
    parse_url,
    parse_variable_name,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("20s", 20),
        ("15m", 900),
        ("24h", 86_400),
        ("90d", 7_776_000),
        ("2w", 1_209_600),
        ("1h30m", 5_400),
        ("2.5s", 2.5),
        (" 1m ", 60),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "15",
        "m",
        "15 m",
        "-5s",
        "1h 30m",
        "0s",
        "0.0001ms",
        "9" * 400 + "s",
        "4000d",
        "5x",
        "٣s",
        5,
        5.0,
        True,
        None,
        ["5s"],
        {},
    ],
)
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"a duration .* is allowed"):
        parse_duration(value)


@given(st.text())
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        assert parse_duration(text) > timedelta(0)
    except ValueError as error:
        assert str(error).endswith("is allowed")  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://api.example/", "https://api.example"),
        ("http://127.0.0.1:3001", "http://127.0.0.1:3001"),
        ("https://[::1]:3001/v1/", "https://[::1]:3001/v1"),
        (" https://api.example ", "https://api.example"),
    ],
)
def test_addresses_lose_their_last_slash(text: str, url: str) -> None:
    assert parse_url(text) == url


@pytest.mark.parametrize(
    "value",
    [
        "",
        "api.example",
        "//api.example",
        "ftp://api.example",
        "https://",
        "https:///x",
        "https://a:b@api.example",
        "https://@api.example",
        "https://api.example:0",
        "https://api.example:99999",
        "https://api.example:x",
        "https://[::1",
        "https://a b.example",
        "https://a.example?x=1",
        "https://a.example#x",
        "https://a.example/\x1b[31m",
        5,
        None,
        [],
    ],
)
def test_what_is_no_address_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"an address .* is allowed"):
        parse_url(value)


@given(st.text() | st.text().map(lambda text: f"https://{text}"))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        assert parse_url(text).startswith("http")
    except ValueError as error:
        assert str(error).endswith("is allowed")  # noqa: PT017


@pytest.mark.parametrize(
    "name", ["GITHUB_TOKEN", "_x", "databaseUrl2", "STAGING_DATABASE_URL_FOR_THE_RELEASE_2026"]
)
def test_names_of_variables_are_read(name: str) -> None:
    assert parse_variable_name(name) == name


@pytest.mark.parametrize(
    "value",
    [
        "",
        "A B",
        "A-B",
        "2A",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "github_pat_1",
        5,
        None,
        "sk_live_abc",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9",
        "aB3" * 11,
        "A" * 65,
    ],
)
def test_a_token_in_the_place_of_a_name_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="the name of an environment variable"):
        parse_variable_name(value)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "now"])
def test_a_moment_that_utc_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a time with its zone"):
        parse_moment(text)
