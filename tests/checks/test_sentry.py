"""sentry.no-new-issues: against the double, held to Sentry's document in what both sides say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_chefrelease.probes.sentry import _until
from pytest_chefrelease.rehearsal.doubles.sentry import issue
from pytest_chefrelease.rehearsal.intercept import Intercept, Json
from pytest_chefrelease.runbook.crash_free import CrashFree, judge
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from tests.checks.looking import verify
from tests.probes.monitoring_doubles import SENTRY_TOKEN, Said, sentry_double, serving
from tests.rehearsal.openapi import operation_of, problems

DOCUMENT = json.loads(
    (Path(__file__).parents[1] / "rehearsal/contracts/sentry.openapi.json").read_text()
)

# The intercepts' own mark on a request: aiohttp would rather have it typed.
pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")


def look(
    *intercepts: Intercept,
    state: Mapping[str, Json] | None = None,
    token: str | None = SENTRY_TOKEN,
    version: str = "v1.5.0",
    **table: object,
) -> tuple[Result, list[Said]]:
    async def go() -> tuple[Result, list[Said]]:
        double = sentry_double()
        double.change(state or {})
        async with serving(double, *intercepts) as running:
            named = {"organization": "chefcloud", "project": "api", "api_url": running.url}
            result = await verify(
                "sentry.no-new-issues",
                {"sentry": named | table},
                release=Release(version, None, "production"),
                environment={"SENTRY_AUTH_TOKEN": token} if token else {},
            )
            return result, running.said

    return asyncio.run(go())


def test_a_release_without_issues_passes_and_both_sides_speak_the_document() -> None:
    result, said = look(state={"issues": [issue(7, "old", "v1.4.2", substatus="ongoing")]})

    assert result.outcome is Outcome.PASSED, result.summary
    assert "99.89 % of 1840 sessions" in result.summary
    assert len(said) == 4
    for each in said:
        known = {p["name"] for p in operation_of(DOCUMENT, each.target)["parameters"]}
        assert set(parse_qs(urlsplit(each.target).query)) <= known
        assert problems(DOCUMENT, each.target, each.body) == []


def test_issues_on_every_page_are_found_and_are_as_documented() -> None:
    issues = [issue(number, "TypeError", "v1.5.0") for number in range(20, 27)]
    result, said = look(state={"issues": issues, "page_size": 3})

    assert result.outcome is Outcome.FAILED
    assert result.summary.startswith("new: API-20 TypeError in OrdersService.create (3 events)")
    assert "and 4 more" in result.summary
    assert result.evidence is not None
    assert result.evidence.facts["new_issues"] == 7
    pages = [each for each in said if "firstRelease" in each.target]
    assert [len(each.body) for each in pages if isinstance(each.body, list)] == [3, 3, 1]
    assert [
        problem for each in pages for problem in problems(DOCUMENT, each.target, each.body)
    ] == []


def test_a_regression_fails_and_one_of_an_older_release_does_not() -> None:
    back = issue(12, "counts twice", "v1.4.2", release="v1.5.0", substatus="regressed")
    before = issue(13, "older", "v1.4.2", substatus="regressed")

    red, _ = look(state={"issues": [back, before]})
    green, _ = look(state={"issues": [before]})

    assert (red.outcome, green.outcome) == (Outcome.FAILED, Outcome.PASSED)
    assert "regressed: API-12" in red.summary
    assert "API-13" not in red.summary


@pytest.mark.parametrize(
    ("sessions", "crashed", "outcome"),
    [
        (2_000, 100, Outcome.FAILED),
        (2_000, 20, Outcome.PASSED),
        (20, 1, Outcome.UNVERIFIED),
        (0, 0, Outcome.UNVERIFIED),
    ],
)
def test_crashes_count_where_they_are_more_than_chance(
    sessions: int, crashed: int, outcome: Outcome
) -> None:
    result, _ = look(state={"sessions": sessions, "crashed": crashed})

    assert result.outcome is outcome, result.summary


def test_sessions_are_not_asked_for_where_settings_say_so() -> None:
    result, said = look(state={"sessions": 0}, crash_free=0)

    assert result.outcome is Outcome.PASSED
    assert not any("/sessions/" in each.target for each in said)


def test_a_release_that_sentry_does_not_know_proves_nothing() -> None:
    result, _ = look(version="v9.9.9")

    assert result.outcome is Outcome.UNVERIFIED
    assert "v9.9.9 or 9.9.9 or api@9.9.9" in result.summary
    assert "sentry.release" in result.remedy


def test_another_release_than_the_one_asked_for_proves_nothing() -> None:
    body = '{"version": "v1.4.2", "projects": [{"slug": "api"}]}'
    rule = Intercept("sentry", path="*/releases/v*", body=body, content_type="application/json")

    result, _ = look(rule)

    assert result.outcome is Outcome.UNVERIFIED, result.summary


def test_the_release_is_found_by_the_name_that_settings_give() -> None:
    result, _ = look(state={"releases": ["cloud-1.5.0"]}, release="cloud-{bare}")

    assert result.outcome is Outcome.PASSED, result.summary


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (Intercept("sentry", status=401), "not known there, or has expired"),
        (Intercept("sentry", status=403), "may not read this"),
        (Intercept("sentry", status=429, headers={"Retry-After": "30"}), "asked too often"),
        (Intercept("sentry", status=500), "answers 500"),
        (Intercept("sentry", body="[]", content_type="application/json"), "not as documented"),
        (Intercept("sentry", body="<html>", content_type="text/html"), "instead of JSON"),
        (Intercept("sentry", path="*/sessions/", drop=True), "connection"),
    ],
)
def test_a_sentry_that_does_not_answer_leaves_it_open(rule: Intercept, says: str) -> None:
    result, _ = look(rule)

    assert result.outcome is Outcome.UNVERIFIED
    assert says in result.summary
    assert SENTRY_TOKEN not in repr(result)


@pytest.mark.parametrize("count", ["NaN", "1e999", "-1e999"])
def test_a_number_of_sessions_that_is_none_proves_nothing(count: str) -> None:
    body = f'{{"groups": [{{"totals": {{"sum(session)": {count}}}}}]}}'
    rule = Intercept("sentry", path="*/sessions/", body=body, content_type="application/json")

    assert look(rule)[0].outcome is Outcome.UNVERIFIED
    assert "defect" not in look(rule)[0].summary


@pytest.mark.parametrize(
    ("reset", "says"),
    [
        *(("1900000000", "Run again after 2030-03-17"), ("\xb2", "Run again later")),
        *(("9" * 30, "Run again later"), ("", "Run again later")),
    ],
)
def test_a_rate_limit_says_until_when_where_sentry_does(reset: str, says: str) -> None:
    assert _until({"x-sentry-rate-limit-reset": reset}).startswith(says)


def test_wrong_names_and_a_missing_token_are_told() -> None:
    assert "no such project tills" in look(project="tills", version="v9.9.9")[0].summary
    assert "environment canary" in look(environment="canary")[0].summary
    assert "SENTRY_AUTH_TOKEN is not set" in look(token=None)[0].summary
    assert "not known there" in look(token="sntryu_other")[0].summary


def test_without_a_project_it_does_not_apply() -> None:
    assert look(project=None)[0].outcome is Outcome.NOT_APPLICABLE


def test_a_share_is_too_low_only_beyond_chance() -> None:
    # P(Bin(100, 0.01) >= 3) is 7.9 %, P(Bin(100, 0.01) >= 4) is 1.8 %.
    assert judge(100, 0.97, 0.99) is CrashFree.UNCERTAIN
    assert judge(100, 0.96, 0.99) is CrashFree.TOO_FEW
    assert judge(100_000, 0.9899, 0.99) is CrashFree.UNCERTAIN
    assert judge(100_000, 0.988, 0.99) is CrashFree.TOO_FEW
