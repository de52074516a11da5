"""logs.*: what real files and health's uptime make of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.engine import Task, run
from pytest_chefrelease.runbook.evidence import Chart, Table, Text
from pytest_chefrelease.runbook.item import Severity, Stage, Symptom
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.checks.verified import context_for, settings_for
from tests.logs.writing import T0, many, pino
from tests.probes.loopback import always, answer, serving

DEPLOYED = datetime.fromtimestamp(T0 / 1000, UTC)
LATER = DEPLOYED + timedelta(minutes=10)
"""Ten minutes after the deploy, when these checks look."""
BEFORE = many(1_200, -3_000, 2.0) + pino(-2_000, 500, err={"message": "pool is empty"})
"""The hour before the deploy: 1,200 requests, one of them failed."""


def look(
    log: Path,
    item: str,
    *,
    api: str = "",
    deployed_at: datetime | None = DEPLOYED,
    now: datetime = LATER,
    logs: Mapping[str, object] | None = None,
) -> Result:
    told = {"deployed_at": deployed_at} if deployed_at else {}
    tables = {"release": told, "logs": {"source": f"file:{log}", **(logs or {})}}
    around = context_for(settings_for(api, **tables), stage=Stage.MONITORING)
    context = replace(around, now=lambda: now)

    async def go() -> Result:
        try:
            return await run(Task(catalogue()[item], None, 20.0), context)
        finally:
            await context.probes.close()

    return asyncio.run(go())


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "api.json"
    path.write_text(BEFORE)
    return path


def write(log: Path, *since: str) -> None:
    with log.open("a") as file:
        file.write("".join(since))


def test_errors_before_the_deploy_are_of_the_release_before(log: Path) -> None:
    write(log, many(500, 1, 1.0))

    result = look(log, "logs.no-5xx")

    assert (result.outcome, result.summary) == (
        Outcome.PASSED,
        "no 5xx in 500 requests since the deploy",
    )


def test_5xx_are_told_by_route_and_message_with_examples_and_a_chart(log: Path) -> None:
    boom = {"message": "connect ECONNREFUSED 10.0.0.7:5432"}
    write(log, many(590, 1, 1.0), pino(100, 500, "/pos/orders/7", err=boom, mail="ann@x.example"))
    write(log, pino(594, 502, "/pos/menu"), pino(596, 500, "/pos/orders/8", err=boom))

    result = look(log, "logs.no-5xx")

    assert (result.outcome, result.severity, result.symptom) == (Outcome.FAILED, Severity.P2, None)
    assert result.seen.startswith(
        "3 of 593 requests since the deploy answered with 5xx, 2 of them GET /pos/orders/:id 500"
    )
    assert result.evidence is not None
    table, *texts, chart = result.evidence.attachments
    assert isinstance(table, Table)
    message = "request errored: connect ECONNREFUSED <address>"
    first, last = "2026-11-24 10:31:40 UTC", "2026-11-24 10:39:56 UTC"
    assert table.rows[0] == ("2", "GET /pos/orders/:id", "500", message, first, last)
    assert isinstance(texts[0], Text)
    assert "<email>" in texts[0].content
    assert "ann@" not in texts[0].content
    assert isinstance(chart, Chart)
    assert [round(value) for _, value in chart.points] == [0, 1, 0, 0, 0, 0, 0, 0, 0, 2]


def test_above_5_percent_is_a_rollback_and_just_below_is_not(log: Path) -> None:
    write(log, *(pino(n, 500 if n % 11 == 0 else 200) for n in range(1, 591)))
    above = look(log, "logs.no-5xx")
    log.write_text(BEFORE)
    write(log, *(pino(n, 500 if n % 20 == 0 else 200) for n in range(1, 591)))
    below = look(log, "logs.no-5xx")

    assert (above.symptom, below.symptom) == (Symptom.SERVER_ERRORS, None)
    assert "above 5 % of requests" in above.summary
    assert below.outcome is Outcome.FAILED


def test_5xx_that_go_on_for_15_minutes_have_an_unknown_cause_and_one_does_not(log: Path) -> None:
    later = DEPLOYED + timedelta(minutes=17)
    write(log, many(1_000, 1, 1.0), pino(5, 500))
    one = look(log, "logs.no-5xx", now=later)
    write(log, *(pino(n * 100, 500) for n in range(1, 10)))
    many_of_them = look(log, "logs.no-5xx", now=later)

    assert (one.outcome, one.symptom) == (Outcome.FAILED, None)
    assert one.item.stays_failed
    assert (many_of_them.severity, many_of_them.symptom) == (Severity.P2, Symptom.CAUSE_UNKNOWN)


def test_our_own_requests_do_not_hide_that_visitors_fail(log: Path) -> None:
    own = {"method": "GET", "url": "/x", "headers": {"user-agent": "chefrelease/0.1 (prober)"}}
    write(log, *(pino(n / 20, 200, req=own) for n in range(10_000)))
    write(log, *(pino(501 + n, 500 if n % 2 else 200) for n in range(60)))

    assert look(log, "logs.no-5xx").symptom is Symptom.SERVER_ERRORS


@pytest.mark.parametrize(
    ("errors", "requests", "severity"),
    [
        (8, 500, Severity.P1),  # 16 times the budget
        (4, 500, Severity.P2),
        (8, 290, Severity.P2),  # too few to burn, and a P2 all the same
    ],
)
def test_what_burns_the_budget_14_times_too_fast_is_p1(
    log: Path, errors: int, requests: int, severity: Severity
) -> None:
    gap_s = 280 / requests
    write(log, *(pino(300 + n * gap_s, 500 if n < errors else 200) for n in range(requests)))

    result = look(log, "logs.no-5xx")

    assert (result.outcome, result.severity) == (Outcome.FAILED, severity)


def test_as_before_lets_pass_what_is_as_rare_as_before(log: Path) -> None:
    tolerant = {"errors": "as-before", "objective": 0.99}
    log.write_text(BEFORE + "".join(pino(-900 + n, 500) for n in range(5)))
    write(log, *(pino(n, 500 if n % 200 == 0 else 200) for n in range(1, 591)))

    assert look(log, "logs.no-5xx", logs=tolerant).outcome is Outcome.PASSED
    assert look(log, "logs.no-5xx").outcome is Outcome.FAILED

    write(log, *(pino(591 + n / 10, 500 if n % 2 else 200) for n in range(60)))
    assert look(log, "logs.no-5xx", logs=tolerant).outcome is Outcome.FAILED


def test_a_log_without_a_line_since_the_deploy_is_no_log_without_errors(log: Path) -> None:
    for item in ("logs.no-5xx", "logs.auth-failures", "logs.error-patterns"):
        result = look(log, item)
        assert result.outcome is Outcome.UNVERIFIED
        assert "no line since the deploy at 10:30:00 UTC (release.deployed_at)" in result.summary


def test_a_log_that_fell_silent_is_stale(log: Path) -> None:
    write(log, many(50, 1, 1.0))

    result = look(log, "logs.no-5xx", now=DEPLOYED + timedelta(minutes=12))

    assert result.outcome is Outcome.UNVERIFIED
    assert "the evidence is 11 min 10 s old" in result.summary


def test_a_log_that_lies_in_the_future_has_a_wrong_clock(log: Path) -> None:
    write(log, many(50, 7_200, 1.0))

    result = look(log, "logs.no-5xx")

    assert result.outcome is Outcome.UNVERIFIED
    assert "one of the clocks is wrong" in result.summary


@pytest.mark.parametrize(
    ("refused", "outcome"),
    [(0, Outcome.PASSED), (60, Outcome.PASSED), (400, Outcome.FAILED)],
    ids=["none", "six a minute", "forty a minute"],
)
def test_refusals_are_compared_with_ten_times_those_of_before(
    log: Path, refused: int, outcome: Outcome
) -> None:
    write(log, *(pino(-3_000 + n * 50, 401) for n in range(60)))  # 1.2 a minute
    write(
        log, many(590, 1, 1.0), *(pino(5 + n * 590 / (refused or 1), 401) for n in range(refused))
    )

    result = look(log, "logs.auth-failures")

    assert (result.outcome, result.severity) == (outcome, Severity.P1)


def test_own_refusals_are_no_failed_logins(log: Path) -> None:
    headers = {"user-agent": "Mozilla/5.0 HeadlessChrome/156.0.0.0 chefrelease/0.1.0"}
    own = {"method": "GET", "url": "/auth/me", "headers": headers}
    write(log, many(590, 1, 1.0), *(pino(590, 401, req=own) for _ in range(500)))

    assert look(log, "logs.auth-failures").outcome is Outcome.PASSED


def test_without_a_log_of_before_nobody_knows_what_is_usual(log: Path) -> None:
    log.write_text(many(590, 1, 1.0))

    for item in ("logs.auth-failures", "logs.error-patterns"):
        result = look(log, item)
        assert result.outcome is Outcome.UNVERIFIED
        assert "of before the deploy" in result.summary


def test_too_short_a_time_tells_nothing_of_refusals(log: Path) -> None:
    write(log, many(40, 1, 0.1))

    result = look(log, "logs.auth-failures", now=DEPLOYED + timedelta(seconds=6))

    assert result.outcome is Outcome.UNVERIFIED
    assert "too short a time to tell" in result.summary


def test_new_messages_warn_crashes_first_and_known_ones_do_not(log: Path) -> None:
    def said(text: str) -> str:
        return pino(30, 0, msg=text, level=50).replace('"res":{"statusCode":0},', "")

    write(log, many(500, 1, 1.0), said("pool is slow"), said("request errored: pool is empty"))
    quiet = look(log, "logs.error-patterns", logs={"known": ["^pool is slow$"]})
    write(log, said("cannot print"), said("cannot print"), said("JavaScript heap out of memory"))
    result = look(log, "logs.error-patterns", logs={"known": ["^pool is slow$"]})

    assert quiet.outcome is Outcome.PASSED
    assert (result.outcome, result.blocking) == (Outcome.FAILED, False)
    assert result.seen == (
        "new since the deploy, 1 time: JavaScript heap out of memory, and 1 more message"
    )


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ('{"uptime": 600, "timestamp": "2026-11-24T10:40:00Z"}', Outcome.PASSED),
        ('{"uptime": 600}', Outcome.PASSED),
        ('{"uptime": 4200, "timestamp": "2026-11-24T11:40:00Z"}', Outcome.PASSED),
        ('{"uptime": 3600, "timestamp": "2026-11-24T10:40:00Z"}', Outcome.FAILED),
        ('{"status": "ok"}', Outcome.UNVERIFIED),
        ('{"uptime": "ten minutes"}', Outcome.UNVERIFIED),
        ('{"uptime": -1}', Outcome.UNVERIFIED),
        ('{"uptime": 1e300}', Outcome.UNVERIFIED),
        (f'{{"uptime": {"9" * 400}}}', Outcome.UNVERIFIED),
        ('{"uptime": NaN}', Outcome.UNVERIFIED),
        ('{"uptime": 1e999}', Outcome.UNVERIFIED),
        ("<html>", Outcome.UNVERIFIED),
    ],
)
def test_health_tells_since_when_the_release_runs(log: Path, body: str, outcome: Outcome) -> None:
    write(log, many(590, 1, 1.0))

    async def go() -> Result:
        async with serving(always(answer(200, body))) as site:
            return await asyncio.to_thread(
                lambda: look(log, "logs.no-5xx", api=site.url, deployed_at=None)
            )

    result = asyncio.run(go())

    assert result.outcome is outcome
    is_unknown = "when the release went live is unknown" in result.summary
    assert is_unknown is (outcome is Outcome.UNVERIFIED)


def test_without_deploy_time_or_address_the_remedy_is_the_option(log: Path) -> None:
    nobody = look(log, "logs.no-5xx", deployed_at=None)
    future = look(log, "logs.no-5xx", deployed_at=LATER + timedelta(hours=1))

    for result in (nobody, future):
        assert result.outcome is Outcome.UNVERIFIED
        assert "--release-deployed-at" in result.remedy
