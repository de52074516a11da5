"""smoke.endpoint against real servers that answer rightly and wrongly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import ValidationError

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.runbook.evidence import Text
from pytest_chefrelease.runbook.item import Severity, Stage, Symptom
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.settings.model import Settings
from tests.checks.verified import settings_for, verify
from tests.probes.loopback import Request, Site, always, answer, serving

JSON = {"content-type": "application/json", "x-request-id": "8f14e45f-ceea-467f"}
UNAUTHORISED = answer(401, '{"statusCode":401,"message":"Unauthorized"}', JSON)
Reply = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def smoke(reply: Reply, name: str = "GET /pos/orders", **table: object) -> tuple[Result, Site]:
    """The result for one endpoint of an API that answers by ``reply``."""

    async def go() -> tuple[Result, Site]:
        async with serving(reply) as site:
            settings = settings_for(site.url, smoke=table)
            return await verify("smoke.endpoint", name, settings), site

    return asyncio.run(go())


def attached(result: Result) -> str:
    assert result.evidence is not None
    return "\n".join(a.content for a in result.evidence.attachments if isinstance(a, Text))


# --- which endpoints


def test_the_runbooks_own_list_is_the_default() -> None:
    names = catalogue()["smoke.endpoint"].parameters_for(Settings(), Stage.POSTRELEASE)

    assert names == (
        "GET /health",
        "GET /pos/menu/categories",
        "GET /inventory/items",
        "GET /inventory/categories",
        "GET /pos/orders",
        "GET /workforce/employees",
        "GET /workforce/payroll-runs",
        "GET /finance/journal-entries",
        "POST /auth/msr-swipe",
        "POST /auth/login",
    )


def test_a_configured_list_replaces_it() -> None:
    settings = settings_for(smoke={"endpoints": [{"get": "/health"}, {"head": "/menu"}]})

    names = catalogue()["smoke.endpoint"].parameters_for(settings, Stage.POSTRELEASE)

    assert names == ("GET /health", "HEAD /menu")


def test_an_empty_list_is_not_a_pass() -> None:
    result = asyncio.run(verify("smoke.endpoint", None, settings_for(smoke={"endpoints": []})))

    assert result.outcome is Outcome.UNVERIFIED


@pytest.mark.parametrize(
    ("endpoints", "says"),
    [
        ([{"post": "/pos/orders", "status": 400}], "no login probe"),
        ([{"get": "/health"}, {"get": "/health", "status": 401}], "listed twice"),
        ([{"get": "health"}], "begins with /"),
        ([{"get": "/a b"}], "without spaces"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(endpoints: list[object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        settings_for(smoke={"endpoints": endpoints})


# --- right answers


@pytest.mark.parametrize("status", [200, 401])
def test_a_guarded_endpoint_passes_open_or_closed(status: int) -> None:
    result, site = smoke(always(answer(status, "{}", JSON)))

    assert (result.outcome, result.summary.partition(" in ")[0]) == (
        Outcome.PASSED,
        f"status {status}",
    )
    assert [(r.method, r.path) for r in site.requests] == [("GET", "/pos/orders")]


def test_a_login_probe_posts_an_empty_object_and_passes_when_refused() -> None:
    result, site = smoke(always(answer(422, "{}", JSON)), "POST /auth/login")

    assert result.outcome is Outcome.PASSED
    assert [(r.method, r.path, r.body) for r in site.requests] == [("POST", "/auth/login", b"{}")]


def test_a_page_passes_where_a_page_is_expected() -> None:
    page = always(answer(200, "<!doctype html><p>docs", {"content-type": "text/html"}))

    result, _ = smoke(page, "GET /docs", endpoints=[{"get": "/docs", "html": True}])

    assert result.outcome is Outcome.PASSED


# --- wrong answers, each with its likely cause


@pytest.mark.parametrize(
    ("raw", "name", "seen", "cause"),
    [
        (answer(404, "{}", JSON), "GET /pos/orders", "status 404", "not deployed"),
        (answer(405, "{}", JSON), "GET /pos/orders", "status 405", "not for this method"),
        (answer(403, "{}", JSON), "GET /pos/orders", "status 403", "demands a login"),
        (UNAUTHORISED, "GET /health", "status 401", "demands a login"),
        (answer(400, "{}", JSON), "GET /pos/orders", "status 400", "differently"),
        (answer(500, "{}", JSON), "GET /pos/orders", "status 500", "id 8f14e45f-ceea-467f"),
        (
            answer(502, "", {}),
            "GET /pos/orders",
            "status 502, no body",
            "healthy is behind the proxy",
        ),
        (
            answer(308, "", {"location": "https://api.example/pos/orders"}),
            "GET /pos/orders",
            "status 308",
            "redirects to https://api.example/pos/orders",
        ),
    ],
)
def test_a_wrong_status_fails_with_its_likely_cause(
    raw: bytes, name: str, seen: str, cause: str
) -> None:
    result, _ = smoke(always(raw), name)

    assert result.outcome is Outcome.FAILED
    assert result.seen.startswith(seen)
    assert result.expected.startswith("status 200")
    assert result.where.startswith(name.partition(" ")[0] + " http://")
    assert cause in result.remedy
    assert result.severity is Severity.P2


@pytest.mark.parametrize("status", [200, 401])
def test_a_page_of_a_proxy_is_not_the_apis_answer(status: int) -> None:
    headers = {"content-type": "text/html", "server": "nginx"}

    result, _ = smoke(always(answer(status, "<html><h1>Sign in</h1></html>", headers)))

    assert (result.outcome, result.seen) == (
        Outcome.FAILED,
        f"status {status}, an HTML page",
    )
    assert "(from nginx)" in result.remedy


def test_a_failure_shows_request_headers_and_first_lines_of_the_body() -> None:
    body = "\n".join(f"line {n}" for n in range(50))

    result, _ = smoke(always(answer(500, body, {**JSON, "set-cookie": "session=private"})))

    text = attached(result)
    assert "GET http://127.0.0.1" in text
    assert "x-request-id: 8f14e45f-ceea-467f" in text
    assert ("line 3" in text, "line 40" in text) == (True, False)
    assert "private" not in text


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_login_without_credentials_that_succeeds_is_an_incident(status: int) -> None:
    raw = answer(status, "" if status == 204 else '{"access_token":"x"}', JSON)

    result, _ = smoke(always(raw), "POST /auth/login")

    assert (result.outcome, result.severity) == (Outcome.FAILED, Severity.P1)
    assert result.symptom is Symptom.LOGIN_BROKEN


def test_a_server_that_is_down_fails() -> None:
    async def go() -> Result:
        async with serving(always(b"")) as site:
            gone = site.url
        return await verify("smoke.endpoint", "GET /health", settings_for(gone))

    result = asyncio.run(go())

    assert (result.outcome, result.seen) == (
        Outcome.FAILED,
        "127.0.0.1 refused the connection",
    )


def test_an_answer_after_the_endpoints_time_fails() -> None:
    async def slow(_request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1)
        writer.write(answer(200, "{}", JSON))

    result, _ = smoke(slow, "GET /menu", endpoints=[{"get": "/menu", "timeout": "200ms"}])

    assert (result.outcome, result.seen) == (Outcome.FAILED, "no answer in 0.2 s")


def test_without_an_address_it_is_unverified() -> None:
    result = asyncio.run(verify("smoke.endpoint", "GET /health", settings_for()))

    assert result.outcome is Outcome.UNVERIFIED
    assert "--base-url" in result.remedy


# --- maintenance and rate limits


def test_maintenance_says_so_instead_of_failing() -> None:
    result, _ = smoke(always(answer(503, "{}", {**JSON, "retry-after": "120"})))

    assert result.outcome is Outcome.UNVERIFIED
    assert result.seen == "maintenance is on: status 503, Retry-After 120"


def test_a_503_without_a_time_is_a_failure() -> None:
    result, _ = smoke(always(answer(503, "{}", JSON)))

    assert result.outcome is Outcome.FAILED


def busy_once(retry_after: str) -> Reply:
    asked: list[str] = []

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        asked.append(request.path)
        first = answer(429, "{}", {"retry-after": retry_after})
        writer.write(first if len(asked) == 1 else answer(200, "{}", JSON))

    return reply


@pytest.mark.parametrize(
    "retry_after",
    ["0", format_datetime(datetime.now(UTC), usegmt=True)],
    ids=["seconds", "date"],
)
def test_a_rate_limit_is_waited_for_as_told(retry_after: str) -> None:
    result, site = smoke(busy_once(retry_after))

    assert (result.outcome, len(site.requests)) == (Outcome.PASSED, 2)


@pytest.mark.parametrize(
    "retry_after",
    [
        *("3600", "soon", "", format_datetime(datetime.now(UTC) + timedelta(hours=1))),
        "Mon, 01 Jan 2026 00:00:00 +99999999999999999999",
    ],
    ids=["seconds", "no time", "empty", "date", "no zone"],
)
def test_a_rate_limit_that_lasts_is_unverified_and_not_pressed(retry_after: str) -> None:
    result, site = smoke(busy_once(retry_after))

    assert (result.outcome, len(site.requests)) == (Outcome.UNVERIFIED, 1)
    assert result.seen.startswith("status 429")
