"""Evidence that does not suffice, in all the ways in which it may not."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pytest_chefrelease.runbook.evidence import Evidence, Fact, shortfall
from pytest_chefrelease.runbook.item import Minimum
from pytest_chefrelease.runbook.release import Release

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
COMMIT = "3f2a91c07d5be8a4416fd0b1a0c9e3d27788aa54"
RELEASE = Release("v1.5.0", COMMIT, "production")
SEEN = Evidence("well", "here", NOW, {"requests": 300, "status": "ok"}, COMMIT)
WHOLE = Minimum({"requests": 300}, ("status",), timedelta(hours=24), of_release=True)


def missing(minimum: Minimum = WHOLE, release: Release = RELEASE, **changes: object) -> str | None:
    return shortfall(minimum, replace(SEEN, **changes), release, NOW)


def test_enough_evidence_lacks_nothing() -> None:
    assert missing() is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (299, "saw 299 of requests, needs at least 300"),
        (0, "saw 0 of requests, needs at least 300"),
        (-1, "saw -1 of requests, needs at least 300"),
        (math.nan, "saw nan of requests, needs at least 300"),
        (math.inf, "saw inf of requests, needs at least 300"),
        (True, "saw no requests, needs at least 300"),
        ("300", "saw no requests, needs at least 300"),
        ([300], "saw no requests, needs at least 300"),
        (None, "saw no requests, needs at least 300"),
    ],
)
def test_a_count_that_is_too_small_or_none_is_missing(value: Fact, said: str) -> None:
    assert missing(facts={"status": "ok", "requests": value}) == said


def test_a_true_value_is_no_count_of_one() -> None:
    assert missing(Minimum({"n": 1}), facts={"n": True}) == "saw no n, needs at least 1"


def test_an_absent_count_is_missing() -> None:
    assert missing(facts={"status": "ok"}) == "saw no requests, needs at least 300"


@pytest.mark.parametrize("value", [300, 300.0, 301, 10**9])
def test_as_many_as_demanded_suffice(value: float) -> None:
    assert missing(facts={"requests": value, "status": "ok"}) is None


@pytest.mark.parametrize("value", [None, "", " \n", [], {}, math.nan, math.inf])
def test_an_empty_fact_is_missing(value: Fact) -> None:
    assert missing(facts={"requests": 300, "status": value}) == "saw no status"


@pytest.mark.parametrize("value", ["ok", 0, 0.0, False, [None], {"a": None}])
def test_a_fact_that_says_something_is_there(value: Fact) -> None:
    assert missing(facts={"requests": 300, "status": value}) is None


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(hours=24), None),
        (timedelta(0), None),
        (timedelta(minutes=-5), None),
        (timedelta(hours=24, seconds=1), "the evidence is 1 d 1 s old, at most 1 d is allowed"),
        (timedelta(days=3, hours=2), "the evidence is 3 d 2 h old, at most 1 d is allowed"),
        (
            timedelta(days=3, hours=2, minutes=1),
            "the evidence is 3 d 2 h old, at most 1 d is allowed",
        ),
        (
            timedelta(minutes=-6),
            "the evidence is dated 6 min in the future; one of the clocks is wrong",
        ),
    ],
)
def test_stale_evidence_and_evidence_of_the_future_do_not_count(
    age: timedelta, said: str | None
) -> None:
    assert missing(observed_at=NOW - age) == said


def test_age_is_the_same_in_every_time_zone() -> None:
    there = timezone(timedelta(hours=9))

    assert missing(observed_at=(NOW - timedelta(hours=23)).astimezone(there)) is None
    assert missing(observed_at=(NOW - timedelta(hours=25)).astimezone(there)) is not None


def test_without_a_greatest_age_any_age_will_do() -> None:
    assert missing(Minimum({"requests": 1}), observed_at=NOW - timedelta(days=900)) is None


@pytest.mark.parametrize("commit", [None, "", "0" * 40, COMMIT[:7], COMMIT.upper()])
def test_evidence_of_another_commit_does_not_count(commit: str | None) -> None:
    said = missing(commit=commit)

    assert said == f"the evidence is of commit {commit or 'unknown'}, the release is {COMMIT}"


def test_without_a_known_release_nothing_is_of_the_release() -> None:
    unknown = replace(RELEASE, commit=None)

    for commit in (None, COMMIT):
        assert "the release is unknown" in str(missing(release=unknown, commit=commit))


def test_without_the_demand_any_commit_will_do() -> None:
    assert missing(Minimum({"requests": 1}), commit=None) is None


def test_a_minimum_demands_something() -> None:
    with pytest.raises(ValueError, match="at least one count or fact"):
        Minimum(max_age=timedelta(hours=1))


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)


@given(st.dictionaries(st.sampled_from(["requests", "status"]), values), st.timedeltas())
def test_what_suffices_holds_each_demand(
    facts: dict[str, str | int | float | bool | None], age: timedelta
) -> None:
    try:
        at = NOW - age
    except OverflowError:
        return

    if missing(facts=facts, observed_at=at) is None:
        requests = facts["requests"]
        assert isinstance(requests, int | float)
        assert not isinstance(requests, bool)
        assert 300 <= requests < math.inf
        assert str(facts["status"]).strip()
        assert timedelta(minutes=-5) <= age <= timedelta(hours=24)
