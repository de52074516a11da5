"""health.readiness against a real server that says all kinds of things."""

from __future__ import annotations

import asyncio
import json

import pytest

from pytest_chefrelease.runbook.item import Symptom
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.checks.looking import verified, verify
from tests.probes.loopback import always, answer, serving


def look_at(document: object, status: int = 200) -> Result:
    body = document if isinstance(document, str) else json.dumps(document)
    reply = always(answer(status, body, {"content-type": "application/json"}))

    async def go() -> Result:
        async with serving(reply) as site:
            target = {"api": site.url, "readiness": "/readiness"}
            return await verify("health.readiness", {"environments": {"production": target}})

    return asyncio.run(go())


@pytest.mark.parametrize(
    "document",
    [
        {"database": True, "redis": "up"},
        {"status": "ready", "checks": {"database": {"status": "ok"}, "queue": "true"}},
        {"status": "ok", "info": {"database": {"status": "up"}}, "error": {}},
        {"status": "UP", "components": {"database": {"status": "UP"}}},
        {"ready": True, "database": True},
        {"status": 0, "database": True},
    ],
)
def test_every_dependency_true_passes(document: dict[str, object]) -> None:
    result = look_at(document)

    assert result.outcome is Outcome.PASSED, result.summary
    assert "database" in result.summary


@pytest.mark.parametrize(
    ("document", "status", "said"),
    [
        ({"database": True, "queue": False}, 200, "queue is False"),
        ({"database": True}, 503, "status 503"),
        ({"checks": {"database": {"status": "down"}}}, 503, "status 503, database is down"),
        ({"database": None}, 200, "database is None"),
        ({"status": "not_ready", "checks": {"database": True}}, 200, "status is not_ready"),
        ({"ready": False, "database": True}, 200, "ready is False"),
        (
            {
                "info": {"redis": {"status": "up"}},
                "error": {"database": {"status": "down"}},
                "details": {"redis": {"status": "up"}, "database": {"status": "down"}},
            },
            200,
            "database is down",
        ),
        ({"database": {}}, 200, "database is no status"),
        ("<html>Welcome</html>", 200, "JSON"),
        ("", 200, "JSON"),
    ],
)
def test_what_is_not_there_is_named(document: object, status: int, said: str) -> None:
    result = look_at(document, status)

    assert result.outcome is Outcome.FAILED, result.summary
    assert said in result.summary
    assert result.symptom is Symptom.HEALTH_FAILING


@pytest.mark.parametrize(
    "document",
    [{}, [], {"status": "ok", "version": "1.5.0"}, {"ready": True}, {"OK": True}, "true"],
)
def test_an_answer_that_names_no_dependency_proves_nothing(document: object) -> None:
    result = look_at(document)

    assert result.outcome is Outcome.UNVERIFIED, result.summary
    assert "no dependency is named" in result.summary


def test_nobody_answering_is_red() -> None:
    target = {"api": "http://127.0.0.1:9", "readiness": "/readiness"}

    result = verified("health.readiness", {"environments": {"production": target}})

    assert result.outcome is Outcome.FAILED


def test_without_a_readiness_endpoint_it_does_not_apply() -> None:
    target = {"api": "http://127.0.0.1:9"}

    result = verified("health.readiness", {"environments": {"production": target}})

    assert result.outcome is Outcome.NOT_APPLICABLE
    assert "environments.production.readiness" in result.summary
