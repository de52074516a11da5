"""Facts, durations and ages as people read them."""

from __future__ import annotations

import pytest

from pytest_chefrelease.report.readable import age, duration, fact, facts, number, size
from pytest_chefrelease.runbook.evidence import Fact, Scalar
from tests.report.samples import NOW

LISTED: list[Scalar] = ["database", None, True, 3]
ROWS: list[dict[str, Scalar]] = [{"route": "/orders", "n": 3}]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0314, "31.4 ms"),
        (0.612, "612 ms"),
        (4.25, "4.25 s"),
        (119, "119 s"),
        (124, "2.1 min"),
        (900, "15 min"),
        (5400, "90 min"),
        (12_600, "3.5 h"),
        (1_036_800, "12 days"),
        (-4, "-4 s"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_a_duration_has_the_unit_that_fits(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (48_211, "48.2 kB"), (1.5e9, "1.5 GB"), (7e15, "7,000 TB")],
)
def test_a_size_has_the_unit_that_fits(count: float, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(48_211, "48,211"), (0.03149, "0.0315"), (612.25, "612"), (5.0, "5"), (1e30, "1e+30")],
)
def test_a_number_shows_the_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("n", 300, ("n", "300")),
        ("p95_ms", 612.25, ("P95", "612 ms")),
        ("age_s", 12_600, ("Age", "3.5 h")),
        ("size_bytes", 48_211, ("Size", "48.2 kB")),
        ("error_rate", 0.003, ("Error rate", "0.3 %")),
        ("tls_version", "1.3", ("TLS version", "1.3")),
        ("is_annotated", True, ("Is annotated", "yes")),
        ("started_s", None, ("Started s", "unknown")),
        ("services", LISTED, ("Services", "database, unknown, yes, 3")),
        ("routes", ROWS, ("Routes", "(route: /orders, n: 3)")),
        ("by", {"a": 1, "b": False}, ("By", "a: 1, b: no")),
        ("p99_ms", float("inf"), ("P99", "inf")),
        pytest.param("uptime_s", 10**400, ("Uptime", "inf"), id="huge"),
        pytest.param("sum", -(10**400), ("Sum", "-inf"), id="tiny"),
        ("_s", 3, ("S", "3")),
        ("", 3, ("", "3")),
    ],
)
def test_a_fact_is_shown_in_words_with_its_unit(
    name: str, value: Fact, shown: tuple[str, str]
) -> None:
    assert fact(name, value) == shown
    assert facts({name: value}) == [shown]


@pytest.mark.parametrize(
    ("then", "text"),
    [
        ("2026-11-24T10:30:00+00:00", "just now"),
        ("2026-11-24T10:28:30Z", "90 s ago"),
        ("2026-11-24T07:00:00+00:00", "3.5 h ago"),
        ("2026-11-12T11:30:00+01:00", "12 days ago"),
        ("2026-11-24T10:28:30", "2026-11-24T10:28:30"),
        ("once", "once"),
    ],
)
def test_an_age_says_how_long_ago(then: str, text: str) -> None:
    assert age(then, NOW) == text
