"""latency.p95 by the application's log: alone, and as the prober's second witness."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_chefrelease.runbook.log_rules import judge_share
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.p95 import Judgement
from tests.checks.verified import settings_for, verify
from tests.logs.writing import T0, pino
from tests.probes.loopback import always, answer, serving

NOW = datetime.now(UTC)
NOW_S = NOW.timestamp() - T0 / 1000
QUICK = {
    "endpoints": ["/health"],
    "requests": 60,
    "rate": 100,
    "max_rate": 200,
    "budget": 1,
    "p95": "10s",
    "timeout": "20s",  # far beyond what a busy machine adds
}


def log_of(path: Path, quick: int, slow: int, url: str = "/health") -> Path:
    """So many answers of 20 ms and of 12 s within the last seconds."""
    took = [12_000] * slow + [20] * quick
    lines = [pino(NOW_S - 5, url=url, responseTime=ms) for ms in took]
    path.write_text("".join(lines))
    return path


def look(log: Path, **latency: object) -> Result:
    tables: dict[str, object] = {
        "logs": {"source": f"file:{log}"},
        "release": {"deployed_at": NOW - timedelta(minutes=1)},
        "latency": {**QUICK, **latency},
    }

    async def go() -> Result:
        async with serving(always(answer(200, "{}"))) as site:
            return await verify("latency.p95", "/health", settings_for(site.url, **tables))

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("quick", "slow", "outcome"),
    [
        (400, 2, Outcome.PASSED),
        (300, 60, Outcome.FAILED),
        (300, 12, Outcome.UNVERIFIED),
        (50, 0, Outcome.UNVERIFIED),
        (0, 0, Outcome.UNVERIFIED),
    ],
)
def test_the_log_alone_proves_p95_or_says_that_it_cannot(
    tmp_path: Path, quick: int, slow: int, outcome: Outcome
) -> None:
    log = log_of(tmp_path / "api.json", quick, slow)
    with log.open("a") as file:
        file.write(pino(NOW_S - 1, url="/other"))

    result = look(log, source="logs")

    assert result.outcome is outcome
    if quick and quick + slow > 59:
        assert f"of {quick + slow} requests, {slow} over" in result.summary


def test_a_log_that_agrees_is_a_second_witness(tmp_path: Path) -> None:
    result = look(log_of(tmp_path / "api.json", 400, 2))

    assert result.outcome is Outcome.PASSED, result.summary
    assert result.evidence is not None
    facts = result.evidence.facts
    assert (facts["log_n"], facts["log_k"], facts["log_p95_ms"]) == (402, 2, 20)


def test_two_witnesses_that_differ_hold_with_both_values(tmp_path: Path) -> None:
    result = look(log_of(tmp_path / "api.json", 300, 60))

    assert result.outcome is Outcome.UNVERIFIED
    assert "two witnesses differ: the prober has P95" in result.summary
    assert "the log has P95 12000 ms of 360 requests, 60 over" in result.summary


def test_a_log_that_cannot_be_read_or_cannot_decide_leaves_the_prober_alone(
    tmp_path: Path,
) -> None:
    assert look(tmp_path / "none.json").outcome is Outcome.PASSED
    assert look(log_of(tmp_path / "api.json", 95, 5)).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("n", "over", "judgement"),
    [
        (0, 0, Judgement.UNDECIDED),
        (89, 0, Judgement.UNDECIDED),
        (90, 0, Judgement.UNDER),
        (1_000, 50, Judgement.UNDECIDED),
        (1_000, 80, Judgement.OVER),
        (100_000, 4_000, Judgement.UNDER),
        (100_000, 5_400, Judgement.UNDECIDED),
        (100_000, 6_000, Judgement.OVER),
    ],
)
def test_a_share_is_judged_where_it_is_proven(n: int, over: int, judgement: Judgement) -> None:
    assert judge_share(n, over, 0.05) is judgement
