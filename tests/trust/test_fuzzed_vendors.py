"""Vendors' answers generated from their documents, right and wrong: no defect, no hang, no pass."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import Settings
from tests.trust.bad_world import Ground, environment_at, settings_at
from tests.trust.documents import Inventor
from tests.trust.fuzzed_world import FuzzedWorld, is_defect

URL = "http://127.0.0.1:9"
COMMIT = "c0ffee5" + "0" * 33
LINE = '{"level":50,"msg":"\ud83d","req":{"method":"GET","url":"/"},"res":{"statusCode":503}}'
FOREIGN = ("shop", "main2", "v9.9.9", "0" * 40, "tills", "done", "eu-1", "\u0665", "a b", "#1")
KNOWN = (
    *("v1.5.0", "1.5.0", COMMIT, "production", "api", "chefcloud", "Watchdog", "success", "ok"),
    *("completed", "started", "passing", "live", "exit", "alertname", "firing", "sum(session)"),
    *(
        LINE,
        "crash_free_rate(session)",
        "required_status_checks",
        "created",
        "instance",
        "up",
        "le",
    ),
)
HINTS = {
    "version": ("v1.5.0",),
    "slug": ("api",),
    "head_sha": (COMMIT,),
    "ref": (COMMIT, "v1.5.0"),
    "state": ("success", "started", "active"),
    "status": ("passing", "completed", "unresolved"),
    "type": ("exit", "required_status_checks", "server_failed"),
    "context": ("lint",),
    "le": ("0.1", "0.5", "+Inf", "NaN", "soon"),
    "alertname": ("Watchdog", "ApiDown"),
    "name": ("lint", "JWT_SECRET"),
    "message": (LINE,),
}
"""What leads deeper into the checks."""

LOOKS = {
    "github": (("ci.required-checks", Stage.PRERELEASE), ("ci.security-alerts", Stage.PRERELEASE)),
    "sentry": (("sentry.no-new-issues", Stage.POSTRELEASE),),
    "loki": (("logs.no-5xx", Stage.POSTRELEASE), ("logs.error-patterns", Stage.POSTRELEASE)),
    "alertmanager": (("alerts.none-firing", Stage.POSTRELEASE),),
    "prometheus": (
        ("metrics.signal[error-rate]", Stage.MONITORING),
        ("metrics.signal[instances]", Stage.POSTRELEASE),
        ("metrics.signal[restarts]", Stage.POSTRELEASE),
        ("metrics.signal[pool]", Stage.POSTRELEASE),
        ("latency.p95[/health]", Stage.POSTRELEASE),
    ),
    "fly": (
        ("deploy.executed[api]", Stage.POSTRELEASE),
        ("deploy.instances", Stage.POSTRELEASE),
        ("backup.automatic", Stage.PRERELEASE),
        ("secrets.present[JWT_SECRET]", Stage.PRERELEASE),
    ),
    "render": (
        ("deploy.executed[api]", Stage.POSTRELEASE),
        ("deploy.instances", Stage.POSTRELEASE),
        ("backup.automatic", Stage.PRERELEASE),
        ("logs.no-5xx", Stage.POSTRELEASE),
        ("secrets.present[JWT_SECRET]", Stage.PRERELEASE),
    ),
}
"""Items whose evidence is a vendor's answer."""

FREE: dict[str, Any] = {
    "max_examples": 100,
    "derandomize": True,
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
OF_THIS_RELEASE = (
    *("ci.required-checks", "deploy.executed", "sentry.no-new-issues", "alerts.none-firing"),
)
"""Items that only this release, or this product's watchdog, can pass."""


@cache
def world(vendor: str, folder: Path) -> FuzzedWorld:
    ground = Ground(folder, Release("v1.5.0", COMMIT, "production"), folder, "")
    tables = settings_at(URL, ground).model_dump(exclude_unset=True, by_alias=True)
    tables["release"]["deployed_at"] = datetime.now(UTC) - timedelta(minutes=1)
    if vendor == "render":
        tables["provider"] |= {"name": "render", "app": "srv-1"}
        tables["backup"]["automatic"] = "render:dpg-1"
        tables["logs"]["source"] = "render:srv-1"
    if vendor == "prometheus":
        tables["latency"]["source"] = "prometheus"
    if vendor == "loki":
        tables["logs"]["source"] = f"loki:{URL}"
    if vendor in ("fly", "render"):
        tables["secrets"] |= {"source": vendor, "api_url": f"{URL}/v1"}
    settings = Settings.model_validate(tables)
    return FuzzedWorld(settings, folder, environment_at(9, URL), ground.release)


def look(vendor: str, folder: Path, inventor: Inventor) -> list[Result]:
    """What becomes of each of the vendor's items."""
    place = world(vendor, folder)

    async def go() -> list[Result]:
        return [await place.look(item, stage, inventor.answer) for item, stage in LOOKS[vendor]]

    return asyncio.run(go())


def told(results: Sequence[Result]) -> list[str]:
    return [f"{result.label}: {result.outcome}, {result.summary}" for result in results]


@pytest.mark.parametrize("vendor", LOOKS)
@given(st.randoms(use_true_random=True), st.sampled_from([0.0, 0.002, 0.01, 0.05]))
@settings(**FREE)
def test_answers_that_are_not_quite_as_documented_are_no_defect(
    tmp_path_factory: pytest.TempPathFactory, vendor: str, rnd: Random, wild: float
) -> None:
    inventor = Inventor(rnd, (*KNOWN, *FOREIGN), wild, HINTS)
    results = look(vendor, tmp_path_factory.getbasetemp(), inventor)

    assert told([result for result in results if is_defect(result)]) == []


@pytest.mark.parametrize("vendor", LOOKS)
@given(st.randoms(use_true_random=True))
@settings(**FREE)
def test_documented_answers_about_something_else_pass_nothing_of_this_release(
    tmp_path_factory: pytest.TempPathFactory, vendor: str, rnd: Random
) -> None:
    results = look(vendor, tmp_path_factory.getbasetemp(), Inventor(rnd, FOREIGN))

    assert told([result for result in results if is_defect(result)]) == []
    passed = [result for result in results if result.outcome is Outcome.PASSED]
    assert told([result for result in passed if result.item.id in OF_THIS_RELEASE]) == []
