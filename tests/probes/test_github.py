"""The GitHub client against the double of the published API, and against odd servers."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl

import pytest

from pytest_chefrelease.errors import (
    AccessDenied,
    Malformed,
    NotConfigured,
    ProbeError,
    RateLimited,
    Unreachable,
)
from pytest_chefrelease.probes.github import BranchDemands, GitHubProbe, repository_of
from pytest_chefrelease.probes.http import HttpProbe
from pytest_chefrelease.rehearsal.doubles.github.state import check_run, status
from pytest_chefrelease.runbook.ci_results import CheckResult, Required
from tests.probes.github_double import SLUG, TOKEN, Running, github
from tests.probes.loopback import Request, always, answer, serving

COMMIT = "1" * 40
# Every GET operation of GitHub's published description of version 2022-11-28 that a gate may
# need, with the names of its query parameters (MIT licence).
OPERATIONS: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "github_operations.json").read_text()
)
T = TypeVar("T")


async def asking(url: str, use: Callable[[GitHubProbe], Awaitable[T]], token: str = TOKEN) -> T:
    http = HttpProbe(timeout_s=3)
    try:
        return await use(GitHubProbe(http, url, SLUG, token))
    finally:
        await http.close()


def ask(
    use: Callable[[GitHubProbe], Awaitable[T]], *, token: str = TOKEN, **state: object
) -> tuple[T, Running]:
    async def go() -> tuple[T, Running]:
        async with github(COMMIT, **state) as running:  # type: ignore[arg-type]
            return await asking(running.url, use, token), running

    return asyncio.run(go())


def results(probe: GitHubProbe) -> Awaitable[list[CheckResult]]:
    return probe.results(COMMIT)


def demands(probe: GitHubProbe) -> Awaitable[BranchDemands]:
    return probe.branch_demands("main")


def refused(use: Callable[[GitHubProbe], Awaitable[object]], **state: object) -> ProbeError:
    with pytest.raises(ProbeError) as caught:
        ask(use, **state)  # type: ignore[arg-type]
    return caught.value


# --- what is read


def test_check_runs_and_statuses_are_both_read() -> None:
    found, _ = ask(results)

    by_name = {result.name: result for result in found}
    assert by_name.keys() == {"lint", "build", "test", "docs preview", "security/scan"}
    assert (by_name["lint"].conclusion, by_name["lint"].app_id) == ("success", 15368)
    assert (by_name["security/scan"].conclusion, by_name["security/scan"].is_status) == (
        "success",
        True,
    )


def test_every_page_is_read() -> None:
    runs = [check_run(f"job {n}", COMMIT) for n in range(230)]
    statuses = [status(f"scan/{n}", COMMIT) for n in range(120)]

    found, running = ask(results, check_runs=runs, statuses=statuses)

    assert len(found) == 350
    assert len(running.asked) == 3 + 2


def test_results_of_another_commit_are_not_taken() -> None:
    found, _ = ask(results, check_runs=[check_run("lint", "2" * 40)], statuses=[])

    assert found == []


def test_an_unchanged_answer_is_not_sent_again() -> None:
    async def twice(probe: GitHubProbe) -> bool:
        return await probe.results(COMMIT) == await probe.results(COMMIT)

    is_same, running = ask(twice)

    assert is_same
    assert [status for _, status in running.asked] == [200, 200, 304, 304]


def test_protection_and_rulesets_are_both_required() -> None:
    found, _ = ask(demands)

    assert found == BranchDemands(
        (
            Required("lint", 15368),
            Required("build", 15368),
            Required("test", 15368),
            Required("security/scan"),
        ),
        (),
    )


def test_a_branch_without_protection_requires_what_rulesets_do() -> None:
    found, _ = ask(demands, protection=None)

    assert found == BranchDemands((Required("test", 15368), Required("security/scan")), ())


def test_a_token_that_may_not_read_protection_reads_rulesets_and_says_so() -> None:
    found, _ = ask(demands, role="read")

    assert [one.name for one in found.required][-2:] == ["test", "security/scan"]
    assert all("protection" in one for one in found.unreadable)


def test_protection_is_read_from_the_branch_where_only_readers_may() -> None:
    branch = {
        "protection": {"required_status_checks": {"checks": [{"context": "lint", "app_id": -1}]}}
    }

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        known = {
            f"/repos/{SLUG}/branches/main": branch,
            f"/repos/{SLUG}/rules/branches/main?per_page=100": [],
        }
        if request.path in known:
            writer.write(answer(200, json.dumps(known[request.path])))
        else:
            writer.write(answer(403, '{"message": "Resource not accessible by integration"}'))

    async def go() -> BranchDemands:
        async with serving(reply) as site:
            return await asking(site.url, demands)

    assert asyncio.run(go()) == BranchDemands((Required("lint"),), ())


def test_a_branch_with_a_slash_is_asked_for_by_its_name() -> None:
    _, running = ask(lambda probe: probe.branch_demands("release/1.x"))

    assert any("/rules/branches/release%2F1.x" in path for path, _ in running.asked)


def test_a_missing_branch_is_a_mistake_in_settings() -> None:
    reply = always(answer(404, '{"message": "Branch not found"}'))

    async def go() -> None:
        async with serving(reply) as site:
            await asking(site.url, demands)

    with pytest.raises(NotConfigured, match="has no branch main"):
        asyncio.run(go())


def test_only_the_documented_version_is_spoken() -> None:
    async def go() -> dict[str, str]:
        async with serving(always(answer(200, '{"total_count": 0, "check_runs": []}'))) as site:
            with pytest.raises(Malformed):  # the list of statuses is no object
                await asking(site.url, results)
            return site.requests[0].headers

    sent = asyncio.run(go())

    assert sent["x-github-api-version"] == "2022-11-28"
    assert sent["accept"] == "application/vnd.github+json"
    assert sent["authorization"] == f"Bearer {TOKEN}"


def documented(asked: str) -> bool:
    """Whether GitHub's description has an operation for a path, and each of its parameters."""
    path, _, query = asked.partition("?")
    for template, parameters in OPERATIONS.items():
        form = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(form, path):
            return {name for name, _ in parse_qsl(query)} <= set(parameters)
    return False


def test_only_documented_operations_are_asked_for() -> None:
    runs = [check_run(f"job {n}", COMMIT) for n in range(101)]

    async def everything(probe: GitHubProbe) -> None:
        await probe.results(COMMIT)
        await probe.branch_demands("main")

    _, running = ask(everything, role="read", check_runs=runs)

    assert len(running.asked) >= 6
    assert [path for path, _ in running.asked if not documented(path)] == []


# --- refusals


def test_a_wrong_token_is_named_by_its_variable() -> None:
    error = refused(results, token="ghp_wrong")

    assert isinstance(error, AccessDenied)
    assert error.seen == "GitHub does not accept the token in GITHUB_TOKEN"
    assert "ghp_wrong" not in repr(vars(error))


def test_a_repository_that_the_token_may_not_see_is_named() -> None:
    error = refused(results, role="none")

    assert isinstance(error, AccessDenied)
    assert f"shows no repository {SLUG}" in error.seen


def test_the_primary_rate_limit_says_until_when() -> None:
    error = refused(results, remaining=0, reset_in_s=1800)

    assert isinstance(error, RateLimited)
    assert "rate limit is used up until" in error.seen
    assert error.seen.endswith("for 30 min")


def test_the_secondary_rate_limit_says_how_long() -> None:
    error = refused(demands, retry_after_s=60)

    assert isinstance(error, RateLimited)
    assert "secondary rate limit stands for 60 s" in error.seen


def raised_by(raw: bytes) -> ProbeError:
    async def go() -> None:
        async with serving(always(raw)) as site:
            await asking(site.url, results)

    with pytest.raises(ProbeError) as caught:
        asyncio.run(go())
    return caught.value


def test_a_429_without_headers_is_the_secondary_limit() -> None:
    assert isinstance(raised_by(answer(429, "slow down")), RateLimited)


@pytest.mark.parametrize("reset", ["\xb2", "9" * 30, "-1", ""])
def test_a_rate_limit_that_ends_at_no_time_is_still_one(reset: str) -> None:
    limited = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}

    assert raised_by(answer(403, "{}", limited)).seen.endswith("for up to an hour")


def test_a_token_without_the_permission_is_told_which() -> None:
    error = raised_by(answer(403, '{"message": "Resource not accessible by integration"}'))

    assert isinstance(error, AccessDenied)
    assert "lacks access: Resource not accessible by integration" in error.seen
    assert "checks: read" in error.remedy


def test_single_sign_on_is_named() -> None:
    error = raised_by(answer(403, "{}", {"X-GitHub-SSO": "required; url=https://github.example"}))

    assert "single sign-on" in error.seen


def test_an_unknown_commit_has_to_be_pushed() -> None:
    error = raised_by(answer(422, '{"message": "No commit found for SHA: 1111"}'))

    assert isinstance(error, NotConfigured)
    assert error.remedy.startswith("Push the release commit")


def test_an_outage_is_told_as_one() -> None:
    error = raised_by(answer(502, "<html>Unicorn!</html>", {"content-type": "text/html"}))

    assert isinstance(error, Unreachable)
    assert error.seen == "GitHub answered status 502"


@pytest.mark.parametrize(
    "body", ["<!doctype html><title>Proxy</title>", "[]", '{"check_runs": [{"id": 1}]}', "null"]
)
def test_what_is_not_githubs_form_is_malformed(body: str) -> None:
    assert isinstance(raised_by(answer(200, body)), Malformed)


def test_the_token_does_not_follow_a_page_to_another_host() -> None:
    link = {"Link": '<http://elsewhere.example/page2>; rel="next"'}

    error = raised_by(answer(200, '{"total_count": 0, "check_runs": []}', link))

    assert isinstance(error, Malformed)
    assert "another host" in error.seen


def test_pages_without_end_are_bounded() -> None:
    async def onward(request: Request, writer: asyncio.StreamWriter) -> None:
        link = {"Link": f'<http://{request.headers["host"]}{request.path}&x>; rel="next"'}
        writer.write(answer(200, '{"total_count": 0, "check_runs": []}', link))

    async def go() -> None:
        async with serving(onward) as site:
            await asking(site.url, results)

    with pytest.raises(Malformed, match="over 50 pages"):
        asyncio.run(go())


# --- which repository


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/chefcloud/chefcloud.git",
        "https://github.com/chefcloud/chefcloud",
        "https://github.com/chefcloud/chefcloud/",
        "git@github.com:chefcloud/chefcloud.git",
        "github.com:chefcloud/chefcloud",
        "ssh://git@github.com/chefcloud/chefcloud.git",
        "ssh://git@ssh.github.com:443/chefcloud/chefcloud.git",
        "git://github.com/chefcloud/chefcloud.git",
    ],
)
def test_owner_and_name_are_read_from_the_remote(remote: str) -> None:
    assert repository_of(remote, "https://api.github.com") == SLUG


def test_an_enterprise_server_has_its_own_host() -> None:
    api = "https://git.chefcloud.example/api/v3"

    assert repository_of("git@git.chefcloud.example:chefcloud/chefcloud.git", api) == SLUG


@pytest.mark.parametrize(
    "remote",
    [
        "/srv/git/chefcloud.git",
        "../chefcloud.git",
        "https://gitlab.com/chefcloud/chefcloud.git",
        "https://github.com/chefcloud",
        "git@github-work:chefcloud/chefcloud.git",
        "",
    ],
)
def test_a_remote_that_is_not_at_github_asks_for_the_setting(remote: str) -> None:
    with pytest.raises(NotConfigured) as caught:
        repository_of(remote, "https://api.github.com")

    assert 'repository = "owner/name"' in caught.value.remedy


def test_the_age_of_a_result_is_that_of_its_conclusion() -> None:
    found, _ = ask(results, check_runs=[check_run("lint", COMMIT, age=timedelta(hours=2))])

    lint = next(one for one in found if one.name == "lint")
    assert lint.started_at is not None
    assert lint.completed_at is not None
    assert lint.when == lint.completed_at > lint.started_at
