"""health.endpoint against a real server that says all kinds of things."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_chefrelease.runbook.item import Severity, Stage, Symptom
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from tests.checks.looking import verified, verify
from tests.probes.loopback import Authority, Reply, Request, answer, serving

NOW = "{now}"
RELEASE = Release("v1.5.0", "3" * 40, "production")


def health(**fields: object) -> dict[str, object]:
    """What ChefCloud says when it is well, with some fields changed."""
    return {
        "status": "ok",
        "timestamp": NOW,
        "uptime": 12.5,
        "version": "1.5.0",
        "services": {"database": "up", "redis": "disabled"},
    } | fields


def said(document: object, status: int = 200, kind: str = "application/json") -> Reply:
    """A server that says this; ``NOW`` in it is the time of each answer."""
    body = document if isinstance(document, str) else json.dumps(document)

    async def reply(_request: Request, writer: asyncio.StreamWriter) -> None:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        writer.write(answer(status, body.replace(NOW, now), {"content-type": kind}))

    return reply


def look_at(
    reply: Reply, *, release: Release = RELEASE, tables: Mapping[str, object] | None = None
) -> Result:
    async def go() -> Result:
        async with serving(reply) as site:
            settings = {"environments": {"production": {"api": site.url}}, **(tables or {})}
            return await verify("health.endpoint", settings, release=release)

    return asyncio.run(go())


def at(url: str, **tables: object) -> Result:
    settings = {"environments": {"production": {"api": url}}} | tables
    return verified("health.endpoint", settings, release=RELEASE)


# --- passes


def test_a_well_release_passes_with_what_it_said() -> None:
    result = look_at(said(health()))

    assert result.outcome is Outcome.PASSED
    assert result.summary.startswith("status ok, version 1.5.0, answered in ")
    assert result.evidence is not None
    assert result.evidence.facts["services"] == {"database": "up", "redis": "disabled"}
    assert result.evidence.facts["services_up"] == 1
    assert result.evidence.source.endswith("/health")


@pytest.mark.parametrize(
    ("running", "version"), [("v1.5.0", "1.5.0"), ("1.5.0", "v1.5.0"), (" v1.5.0", "v1.5.0")]
)
def test_a_leading_v_makes_no_difference(running: str, version: str) -> None:
    release = Release(version, None, "production")

    assert look_at(said(health(version=running)), release=release).outcome is Outcome.PASSED


def test_a_tag_prefix_is_no_part_of_the_version() -> None:
    release = Release("api-v1.5.0", None, "production")

    result = look_at(said(health()), release=release, tables={"release": {"tag_prefix": "api-"}})

    assert result.outcome is Outcome.PASSED


def test_where_the_release_has_no_version_none_is_compared_and_that_is_said() -> None:
    release = Release(None, None, "production", problem="no tag")

    result = look_at(said(health(version="0.9.0")), release=release)

    assert result.outcome is Outcome.PASSED
    assert "not compared: the release's version is unknown" in result.summary


def test_another_path_can_be_configured() -> None:
    async def go() -> tuple[Result, str]:
        async with serving(said(health())) as site:
            api = {"api": site.url, "health": "/up"}
            tables = {"environments": {"production": api}}
            result = await verify("health.endpoint", tables, release=RELEASE)
            return result, site.requests[0].path

    result, path = asyncio.run(go())

    assert (result.outcome, path) == (Outcome.PASSED, "/up")


def test_a_service_may_be_told_by_an_object_with_a_status() -> None:
    services = {"database": {"status": "up", "latency_ms": 3}}

    assert look_at(said(health(services=services))).outcome is Outcome.PASSED


def test_it_is_watched_too() -> None:
    async def go() -> Result:
        async with serving(said(health())) as site:
            tables = {"environments": {"production": {"api": site.url}}}
            return await verify("health.endpoint", tables, release=RELEASE, stage=Stage.MONITORING)

    assert asyncio.run(go()).outcome is Outcome.PASSED


# --- fails


FAILURES = [
    ("answers 500", said("boom", 500, "text/plain"), "status 500: boom", True),
    ("answers 503", said({"status": "error"}, 503), "status 503", True),
    ("answers 404", said("", 404), "status 404: no body", True),
    ("redirects", said("", 302), "status 302", True),
    (
        "an HTML page",
        said("<!doctype html><title>Welcome to nginx!</title>", 200, "text/html"),
        "status 200, an HTML page instead of JSON",
        True,
    ),
    (
        "an HTML page said to be JSON",
        said("<html><body>Welcome"),
        "status 200, an HTML page instead of JSON",
        True,
    ),
    ("nothing", said(""), "status 200, the body is empty", True),
    ("cut JSON", said('{"status": "ok", '), "instead of JSON", True),
    ("a list", said([1]), "the JSON is no object: [1]", True),
    ("null", said("null"), "the JSON is no object: null", True),
    ("status error", said(health(status="error")), "status error", True),
    ("no status", said({}), "status missing", True),
    ("status true", said(health(status=True)), "status up", True),
    (
        "a service down",
        said(health(services={"database": "down"})),
        "status ok, but service database is down",
        True,
    ),
    (
        "a service false",
        said(health(services={"database": True, "redis": False})),
        "status ok, but service redis is down",
        True,
    ),
    (
        "a service that says nothing",
        said(health(services={"database": {}})),
        "status ok, but service database is no status",
        True,
    ),
    ("no timestamp", said(health(timestamp=None)), "timestamp missing", False),
    ("a timestamp without zone", said(health(timestamp="2026-01-01T00:00:00")), "timestamp", False),
    ("a timestamp that is none", said(health(timestamp="now")), "timestamp now", False),
    ("another version", said(health(version="1.4.2")), "version 1.4.2 runs", False),
    ("no version", said(health(version="")), "version missing runs", False),
]


@pytest.mark.parametrize(
    ("reply", "seen", "is_failing_health"),
    [pytest.param(*rest, id=name) for name, *rest in FAILURES],
)
def test_what_is_not_well_fails(reply: Reply, seen: str, is_failing_health: bool) -> None:  # noqa: FBT001
    result = look_at(reply)

    assert (result.outcome, result.severity) == (Outcome.FAILED, Severity.P1)
    assert seen in result.summary
    assert "\n" not in result.summary
    assert result.remedy
    assert result.where.startswith("GET http://127.0.0.1:")
    assert (result.symptom is Symptom.HEALTH_FAILING) is is_failing_health


def test_a_differing_version_names_both() -> None:
    result = look_at(said(health(version="1.4.2")))

    assert result.seen == "version 1.4.2 runs"
    assert result.expected == "the release's, v1.5.0"


def test_degraded_is_p2_and_names_the_service() -> None:
    result = look_at(said(health(status="degraded", services={"database": "up", "redis": "down"})))

    assert (result.outcome, result.severity) == (Outcome.FAILED, Severity.P2)
    assert result.seen == "status degraded: service redis is down"
    assert result.symptom is None


def test_degraded_without_its_database_is_failing_health() -> None:
    result = look_at(said(health(status="degraded", services={"database": "down"})))

    assert (result.outcome, result.severity) == (Outcome.FAILED, Severity.P1)
    assert result.seen == "status degraded: service database is down"
    assert result.symptom is Symptom.HEALTH_FAILING


@pytest.mark.parametrize(
    ("offset_s", "said_of_it"), [(-300, "300 s before now"), (300, "300 s after now")]
)
def test_an_answer_of_another_time_fails(offset_s: int, said_of_it: str) -> None:
    stamp = (datetime.now(UTC) + timedelta(seconds=offset_s)).isoformat()

    result = look_at(said(health(timestamp=stamp)))

    assert result.outcome is Outcome.FAILED
    assert said_of_it in result.summary.replace("299 s", "300 s").replace("301 s", "300 s")


@pytest.mark.parametrize("offset_s", [-55, 55])
def test_a_clock_may_be_off_by_less_than_a_minute(offset_s: int) -> None:
    stamp = (datetime.now(UTC) + timedelta(seconds=offset_s)).isoformat()

    assert look_at(said(health(timestamp=stamp))).outcome is Outcome.PASSED


# --- no evidence


@pytest.mark.parametrize("services", [None, {}, {"database": "disabled"}])
def test_ok_that_speaks_for_no_service_is_unverified(services: object) -> None:
    result = look_at(said(health(services=services)))

    assert result.outcome is Outcome.UNVERIFIED
    assert "nothing is said of the services" in result.summary


def test_without_an_address_it_is_unverified_and_says_what_to_set() -> None:
    result = verified("health.endpoint", {})

    assert result.outcome is Outcome.UNVERIFIED
    assert result.summary == "no api address is configured"
    assert "--base-url" in result.remedy


# --- bad input: unreachable is failing health, not missing evidence


def test_a_host_that_does_not_resolve_fails() -> None:
    result = at("http://chefrelease.invalid")

    assert (result.outcome, result.symptom) == (Outcome.FAILED, Symptom.HEALTH_FAILING)
    assert result.seen == "the name chefrelease.invalid does not resolve"


def test_a_refused_connection_fails() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))

        result = at(f"http://127.0.0.1:{taken.getsockname()[1]}")

    assert (result.outcome, result.symptom) == (Outcome.FAILED, Symptom.HEALTH_FAILING)
    assert result.seen == "127.0.0.1 refused the connection"


def test_a_server_that_never_answers_fails_at_the_time_limit() -> None:
    async def silent(_request: Request, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    result = look_at(silent, tables={"http": {"timeout": "200ms"}})

    assert (result.outcome, result.symptom) == (Outcome.FAILED, Symptom.HEALTH_FAILING)
    assert result.seen == "no answer in 0.2 s"


def test_200_mb_of_body_fail_and_are_not_read() -> None:
    async def flood(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 209715200\r\n\r\n")
        for _ in range(200):
            writer.write(b" " * 1_048_576)
            await writer.drain()

    result = look_at(flood)

    assert result.outcome is Outcome.FAILED
    assert "longer than 2,000,000 bytes" in result.summary


def test_an_expired_certificate_fails(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)

    async def go() -> Result:
        context = authority.server(valid_days=-1)
        async with serving(said(health()), tls=context) as site:
            tables = {
                "environments": {"production": {"api": site.url}},
                "http": {"ca_file": str(authority.pem)},
            }
            return await verify("health.endpoint", tables, release=RELEASE)

    result = asyncio.run(go())

    assert (result.outcome, result.symptom) == (Outcome.FAILED, Symptom.HEALTH_FAILING)
    assert result.seen == "the TLS certificate has expired"


def test_an_unreadable_authority_file_is_unverified_not_failed(tmp_path: Path) -> None:
    result = at("https://127.0.0.1:9", http={"ca_file": str(tmp_path / "missing.pem")})

    assert result.outcome is Outcome.UNVERIFIED
    assert "holds no readable certificate" in result.summary
