"""latency.calibration and latency.regression: what they say of what was measured before and now.

One test measures a real server; the others are given the requests, so that no busy machine
has a part in them.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from pytest_chefrelease import ledger
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.engine import Task, run
from pytest_chefrelease.checks.latency.campaign import Campaign, Measured, Refusal
from pytest_chefrelease.checks.once import Json, Once
from pytest_chefrelease.probes.prober import Shot
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.track_record import Became
from tests.checks.verified import context_for, settings_for, verify
from tests.probes.loopback import Request, Site, answer, serving
from tests.report import samples

PATH = "/inventory/items"
TABLE: dict[str, object] = {"endpoints": [PATH], "requests": 300, "calibration": 300}
AT = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)


def shots(n: int, *, more_ms: float = 0.0, seed: int = 1) -> list[Shot]:
    """Requests of about 100 ms."""
    draw = random.Random(seed)
    return [
        Shot(0, number / 10, 0.1, 100 * draw.lognormvariate(0, 0.1) + more_ms, 200)
        for number in range(n)
    ]


STEADY = [*shots(150), *shots(150, seed=2)]
AS_BEFORE = shots(300, seed=3)
SLOWER = shots(300, more_ms=80, seed=4)


@dataclass(slots=True)
class Given(Once):
    """Campaigns that were measured already, by their keys; no other work is expected."""

    campaigns: Mapping[str, list[Shot] | str] | None = None

    async def get(self, key: str, work: Callable[[], Awaitable[Json]]) -> Json:
        given = (self.campaigns or {})[key]
        measured = Measured("http://api.example" + PATH, 10.0)
        if isinstance(given, str):
            measured.refusal = Refusal(given)
        else:
            measured.shots = given
        batch = 150 if key == "latency calibration" else 300
        found = Campaign(batch, 2, {PATH: measured}, AT.isoformat())
        plain: dict[str, object] = msgspec.to_builtins(found)
        return plain


def look(
    kept: Path, stage: Stage, campaigns: Mapping[str, list[Shot] | str], *, staging: bool = False
) -> Result:
    """The result where these campaigns were measured."""
    is_before = stage is Stage.PRERELEASE
    item, parameter = ("latency.calibration", None) if is_before else ("latency.regression", PATH)

    async def go() -> Result:
        async with serving(running("v1.4.2")) as site:
            settings = settings_for(site.url, latency=TABLE, report={"ledger": str(kept)})
            if staging:
                both = dict.fromkeys(("production", "staging"), settings.environments["production"])
                settings = settings.model_copy(update={"environments": both})
            surroundings = replace(
                context_for(settings, stage=stage), once=Given(campaigns=campaigns), now=lambda: AT
            )
            try:
                return await run(Task(catalogue()[item], parameter, 10), surroundings)
            finally:
                await surroundings.probes.close()

    return asyncio.run(go())


def running(version: str) -> Callable[[Request, asyncio.StreamWriter], Awaitable[None]]:
    async def reply(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, json.dumps({"status": "ok", "version": version})))

    return reply


def before(kept: Path, given: list[Shot] = STEADY) -> Result:
    """What calibration says, remembered in the ledger."""
    found = look(kept, Stage.PRERELEASE, {"latency calibration": given})
    remember(kept, found)
    return found


def after(kept: Path, given: list[Shot] | str = AS_BEFORE) -> Result:
    return look(kept, Stage.POSTRELEASE, {"latency": given})


def remember(kept: Path, result: Result, version: str = "v1.5.0") -> None:
    plain = samples.all_well(result.stage)
    release = replace(plain.release, version=version, environment="production")
    ledger.enter(kept, replace(plain, release=release, finished_at=AT, results=(result,)))


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def test_a_steady_version_passes_and_is_what_the_release_is_compared_with(kept: Path) -> None:
    found = before(kept)
    assert found.outcome is Outcome.PASSED, found.summary
    assert found.evidence is not None
    assert found.evidence.facts["n"] == 300

    passed, failed = after(kept), after(kept, SLOWER)

    assert passed.outcome is Outcome.PASSED, passed.summary
    assert failed.outcome is Outcome.FAILED, failed.summary
    assert not failed.blocking
    assert "slower than the version before, measured before the deploy: P50 18" in failed.summary
    assert failed.evidence is not None
    assert failed.evidence.facts["slower_p50_needed_ms"] == pytest.approx(10, abs=1)


def test_a_version_that_differs_from_itself_is_told_of_and_hides_what_is_smaller(
    kept: Path,
) -> None:
    found = before(kept, [*shots(150, more_ms=120), *shots(150, seed=2)])

    assert found.outcome is Outcome.FAILED, found.summary
    assert "the version being the same" in found.summary
    assert after(kept, SLOWER).outcome is Outcome.PASSED


def test_what_came_before_the_release_and_was_rolled_back_is_no_measure(kept: Path) -> None:
    first = after_without_a_past(kept)
    remember(kept, first, version="v1.4.2")

    second = after(kept, SLOWER)
    ledger.say_outcome(kept, "v1.4.2", Became.ROLLED_BACK, by="Ada", note="", at=AT)

    assert second.outcome is Outcome.FAILED
    assert "slower than v1.4.2, measured after its own deploy" in second.summary
    assert after_without_a_past(kept).outcome is Outcome.UNVERIFIED


def after_without_a_past(kept: Path) -> Result:
    found = after(kept)
    assert found.outcome is Outcome.UNVERIFIED
    assert "pytest -m prerelease" in found.remedy
    assert found.evidence is not None  # for the next release
    return found


def test_without_a_past_staging_is_the_measure(kept: Path) -> None:
    campaigns: dict[str, list[Shot] | str] = {"latency": SLOWER, "latency staging": STEADY}
    found = look(kept, Stage.POSTRELEASE, campaigns, staging=True)
    assert "slower than staging: P50 18" in found.summary

    refused = look(kept, Stage.POSTRELEASE, {**campaigns, "latency staging": "no"}, staging=True)
    assert refused.outcome is Outcome.UNVERIFIED
    assert "staging could not be measured: no" in refused.summary


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "no request was sent"),
        ("status 429: asked too often", "asked too often"),
        (shots(85), "saw 85 of n"),
        ([Shot(0, 0, 900, 950, 200)] * 300, "the prober itself was late"),
    ],
    ids=["none", "refused", "few", "late"],
)
def test_too_little_evidence_never_passes(kept: Path, given: list[Shot] | str, words: str) -> None:
    before(kept)
    found = after(kept, given)
    assert found.outcome is Outcome.UNVERIFIED, found.summary
    assert words in found.summary


def test_half_a_calibration_is_none(kept: Path) -> None:
    assert before(kept, shots(299)).outcome is Outcome.UNVERIFIED


def test_a_ledger_of_the_first_format_is_read_and_written_on(kept: Path) -> None:
    before(kept)
    with sqlite3.connect(kept) as connection:
        connection.executescript("drop table latency; pragma user_version = 1")
    after_without_a_past(kept)

    before(kept)

    assert after(kept).outcome is Outcome.PASSED
    with sqlite3.connect(kept) as connection:
        connection.execute("update latency set facts = '{}'")
    assert "without its figures" in after(kept).summary


def test_a_real_server_is_measured_twice_and_not_at_all_once_the_release_runs() -> None:
    async def go(version: str) -> tuple[Result, Site]:
        async with serving(running(version)) as site:
            table = {**TABLE, "calibration": 120, "rate": 100, "max_rate": 200}
            quiet = {"slower_least": "5s", "timeout": "20s", "p95": "20s"}
            settings = settings_for(site.url, latency={**table, **quiet})
            found = await verify("latency.calibration", None, settings, stage=Stage.PRERELEASE)
            return found, site

    measured, site = asyncio.run(go("v1.4.2"))
    released, asked = asyncio.run(go("v1.5.0"))

    assert measured.outcome is Outcome.PASSED, measured.summary
    assert sum(request.path == PATH for request in site.requests) >= 121
    assert released.outcome is Outcome.NOT_APPLICABLE
    assert "runs already" in released.summary
    assert [request.path for request in asked.requests] == ["/health"]
