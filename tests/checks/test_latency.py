"""latency.p95 against real servers: passed, failed, not decided, and what stops it."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from pydantic import ValidationError

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.engine import Task, run
from pytest_chefrelease.checks.latency import campaign as latency_campaign
from pytest_chefrelease.checks.latency import p95
from pytest_chefrelease.checks.latency.campaign import Campaign, Measured
from pytest_chefrelease.checks.latency.evidence import evidence_of
from pytest_chefrelease.checks.latency.watched import Lookout
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.checks.watching import Watch
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.probes.prober import Batch, Prober, Sample, Shot
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.runbook.evidence import Chart, Table, Timeline
from pytest_chefrelease.runbook.item import Severity, Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.settings.model import LatencyTable, Settings
from tests.checks.verified import RELEASE, settings_for
from tests.probes.loopback import Request, Site, always, answer, serving

pytestmark = pytest.mark.alone

Reply = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]
OK = answer(200, '{"status":"ok"}')
QUICK: dict[str, object] = {
    "endpoints": ["/health"],
    "requests": 100,
    "rate": 100,
    "max_rate": 200,
    "p95": "10s",  # far beyond what a busy machine adds
    "timeout": "20s",
}
SLOW_S = 3.3
SLOW = "3s"


async def verify_all(
    settings: Settings, *, watch: Watch | None = None, said: list[str] | None = None
) -> dict[str, Result]:
    """The results of latency.p95 for all its endpoints, verified at the same time."""
    probes = Probes(settings, Path())
    stage = Stage.POSTRELEASE if watch is None else Stage.MONITORING
    look = Context(
        settings=settings,
        release=RELEASE,
        stage=stage,
        repository=Path(),
        probes=probes,
        once=Once(),
        environment={},
        say=(said if said is not None else []).append,
        watch=watch,
    )
    check = catalogue()["latency.p95"]
    names = check.parameters_for(settings, stage)
    try:
        results = await asyncio.gather(*(run(Task(check, name, 60), look) for name in names))
    finally:
        await probes.close()
    return {name or "": result for name, result in zip(names, results, strict=True)}


def latency(
    reply: Reply, *, said: list[str] | None = None, **table: object
) -> tuple[dict[str, Result], Site]:
    """The results for an API that answers by ``reply``."""

    async def go() -> tuple[dict[str, Result], Site]:
        async with serving(reply) as site:
            settings = settings_for(site.url, latency={**QUICK, **table})
            return await verify_all(settings, said=said), site

    return asyncio.run(go())


def every(n: int, slow: Reply) -> Reply:
    """Each n-th request is answered by ``slow``, the others at once."""
    count = 0

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        if count % n == 0:
            await slow(request, writer)
        else:
            writer.write(OK)

    return reply


async def slowly(_request: Request, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(SLOW_S)
    writer.write(OK)


# --- which endpoints


def test_without_settings_it_measures_the_smoke_gets_and_the_web_routes() -> None:
    names = catalogue()["latency.p95"].parameters_for(Settings(), Stage.POSTRELEASE)

    assert names[:2] == ("/health", "/pos/menu/categories")
    assert names[-5:] == ("web /", "web /login", "web /dashboard", "web /orders", "web /inventory")
    assert not any("/auth/" in (name or "") for name in names)


def test_listed_endpoints_are_measured_once_each_and_no_others() -> None:
    settings = settings_for(latency={"endpoints": ["/health", "web /login", "/health"]})

    names = catalogue()["latency.p95"].parameters_for(settings, Stage.POSTRELEASE)

    assert names == ("/health", "web /login")


def test_what_is_no_path_is_a_mistake_in_settings() -> None:
    with pytest.raises(ValidationError, match="a path such as /health"):
        settings_for(latency={"endpoints": ["health"]})


# --- the decision


def test_a_quick_server_passes_with_all_its_figures() -> None:
    results, site = latency(always(OK))

    result = results["/health"]
    assert result.outcome is Outcome.PASSED, result.summary
    assert result.evidence is not None
    facts = result.evidence.facts
    assert (facts["n"], facts["k"], facts["error_rate"], facts["limit_ms"]) == (100, 0, 0, 10000)
    assert facts["statuses"] == {"200": 100}
    assert facts["rate"] == 100
    for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms", "p95_low_ms", "p95_high_ms"):
        value = facts[name]
        assert isinstance(value, float)
        assert 0 < value < 10000
    assert "under 10000 ms on GET /health (100 requests, 0 over; interval" in result.summary
    assert len(site.requests) == 102  # a look, a connection, and the sample


def test_a_slow_tail_fails_although_the_mean_is_fine() -> None:
    results, _ = latency(every(5, slowly), p95=SLOW)

    result = results["/health"]
    assert result.outcome is Outcome.FAILED, result.summary
    assert result.severity is Severity.P3
    assert re.match(
        r"P95 3\d{3} ms over 3000 ms on GET /health \(100 requests, \d+ over; interval 3\d{3} to ",
        result.summary,
    )
    assert result.remedy == "See the slowest ten below; roll forward only with a waiver."


def test_what_is_not_decided_is_sampled_on_up_to_the_budget_and_then_held() -> None:
    said: list[str] = []

    results, _ = latency(every(20, slowly), said=said, budget=2, p95=SLOW)

    result = results["/health"]
    assert result.outcome is Outcome.UNVERIFIED, result.summary
    assert "not decided: P95" in result.summary
    assert "proven in at most 200 requests" in result.expected
    assert result.evidence is not None
    assert result.evidence.facts["n"] == 200
    assert any("undecided after 100 requests each: /health" in line for line in said)


def test_fewer_requests_than_can_prove_anything_are_unverified() -> None:
    results, _ = latency(always(OK), requests=58, budget=1)

    result = results["/health"]
    assert result.outcome is Outcome.UNVERIFIED
    assert "fewer than 59 can prove nothing" in result.remedy


def test_small_batches_add_up_to_a_pass() -> None:
    results, _ = latency(always(OK), requests=30, budget=5)

    assert results["/health"].outcome is Outcome.PASSED, results["/health"].summary


# --- errors, limits, and what cannot be measured


def test_an_endpoint_that_only_fails_is_left_in_peace_at_once_and_fails() -> None:
    results, site = latency(always(answer(503)), rate=40)

    result = results["/health"]
    assert result.outcome is Outcome.FAILED
    assert "stopped because errors rose: 5 of the last 5 requests failed" in result.summary
    assert len(site.requests) < 20


def test_errors_that_rise_late_prove_nothing_about_p95() -> None:
    count = 0

    async def breaking(_request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        writer.write(OK if count < 90 else answer(500))

    results, _ = latency(breaking, rate=50)

    result = results["/health"]
    assert result.outcome is Outcome.UNVERIFIED
    assert "stopped because errors rose" in result.summary
    assert "status 500" in result.summary


@pytest.mark.parametrize(("late_ms", "proven"), [(0.2, Failed), (9_800.0, Unverified)])
def test_requests_that_this_machine_let_run_out_prove_nothing_of_the_server(
    late_ms: float, proven: type[Exception]
) -> None:
    ran_out = [Shot(0, place / 10, late_ms, 10_000.0, 0, "no answer") for place in range(10)]
    measured = Measured("http://127.0.0.1/orders", 10, ran_out, stopped="5 of the last 5 failed")
    found = Campaign(300, 10, {"/orders": measured}, "2026-11-24T10:00:00+00:00")
    look = cast("Context", SimpleNamespace(settings=settings_for("http://127.0.0.1")))
    seen = evidence_of("/orders", measured, found, LatencyTable())

    with pytest.raises(proven, match="stopped because errors rose"):
        p95._judge(look, "/orders", found, seen, None)


def test_a_rate_limit_is_honoured_and_named() -> None:
    count = 0

    async def limited(_request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        writer.write(OK if count <= 60 else answer(429, headers={"retry-after": "30"}))

    results, site = latency(limited, rate=50)

    result = results["/health"]
    assert result.outcome is Outcome.UNVERIFIED
    assert "status 429 (Retry-After: 30)" in result.summary
    assert len(site.requests) < 70


def test_an_endpoint_that_asks_for_a_login_is_not_flooded_with_refusals() -> None:
    async def go() -> tuple[dict[str, Result], Site]:
        async with serving(guarding) as site:
            table = {**QUICK, "endpoints": []}
            smoke = {
                "endpoints": [
                    {"get": "/health"},
                    {"get": "/inventory/items", "status": [200, 401]},
                ]
            }
            routes: dict[str, object] = {"paths": []}
            settings = settings_for(site.url, latency=table, smoke=smoke, routes=routes)
            return await verify_all(settings), site

    results, site = asyncio.run(go())

    assert results["/health"].outcome is Outcome.PASSED
    assert results["/inventory/items"].outcome is Outcome.NOT_APPLICABLE
    assert "only the time of the refusal" in results["/inventory/items"].summary
    assert sum(request.path == "/inventory/items" for request in site.requests) == 1


def test_a_listed_endpoint_is_measured_by_its_refusals_where_smoke_allows_them() -> None:
    results, _ = latency(guarding, endpoints=["/inventory/items"])

    result = results["/inventory/items"]
    assert result.outcome is Outcome.PASSED, result.summary
    assert result.evidence is not None
    assert result.evidence.facts["statuses"] == {"401": 100}


async def guarding(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(OK if request.path == "/health" else answer(401))


def test_a_host_that_refuses_is_unverified_with_the_reason() -> None:
    results = asyncio.run(verify_all(settings_for("http://127.0.0.1:9", latency=QUICK)))

    assert results["/health"].outcome is Outcome.UNVERIFIED
    assert "refused the connection" in results["/health"].summary


def test_a_web_route_without_an_address_does_not_keep_the_api_from_being_measured() -> None:
    results, _ = latency(always(OK), endpoints=["/health", "web /login"])

    assert results["/health"].outcome is Outcome.PASSED
    assert results["web /login"].outcome is Outcome.UNVERIFIED
    assert "--web-url" in results["web /login"].remedy


def test_a_source_that_is_not_configured_says_what_it_needs() -> None:
    results, site = latency(always(OK), source="prometheus")

    assert results["/health"].outcome is Outcome.UNVERIFIED
    assert "Set prometheus.url" in results["/health"].remedy
    assert site.requests == []


# --- the prober's own lateness


def held_up(monkeypatch: pytest.MonkeyPatch, batches: int) -> None:
    """Stop the prober's process for a while in each of the first batches."""

    class HeldUp(Prober):
        async def sample(
            self, batch: Batch, on_progress: Callable[[Sample], bool] = lambda _sample: True
        ) -> Sample:
            nonlocal batches
            is_to_be_held_up, batches = batches > 0, batches - 1
            process = self.process
            assert process is not None

            def after_holding_up(so_far: Sample) -> bool:
                nonlocal is_to_be_held_up
                if is_to_be_held_up and so_far.shots:
                    is_to_be_held_up = False
                    process.send_signal(signal.SIGSTOP)
                    asyncio.get_running_loop().call_later(1.5, process.send_signal, signal.SIGCONT)
                return on_progress(so_far)

            return await super().sample(batch, after_holding_up)

    monkeypatch.setattr(latency_campaign, "Prober", HeldUp)


def test_a_prober_that_was_late_itself_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    held_up(monkeypatch, batches=1)

    results, _ = latency(always(OK), rate=40, budget=1)

    result = results["/health"]
    assert result.outcome is Outcome.UNVERIFIED, result.summary
    assert result.summary.startswith("the prober itself was late, by ")


def test_a_batch_in_which_the_prober_was_late_is_measured_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held_up(monkeypatch, batches=1)
    said: list[str] = []

    results, _ = latency(always(OK), said=said, rate=40, budget=3)

    result = results["/health"]
    assert result.outcome is Outcome.PASSED, result.summary
    assert result.evidence is not None
    assert result.evidence.facts["n"] == 100
    assert any("100 requests set aside, the prober itself was late" in line for line in said)


# --- one campaign, its budget and its progress


def test_all_endpoints_are_measured_at_once_and_the_host_sees_the_rate_of_one() -> None:
    said: list[str] = []

    results, site = latency(
        always(OK), said=said, endpoints=["/a", "/b", "/c"], rate=100, max_rate=100, requests=60
    )

    assert {result.outcome for result in results.values()} == {Outcome.PASSED}
    evidence = results["/a"].evidence
    assert evidence is not None
    assert evidence.facts["rate"] == pytest.approx(33.333)
    assert len(site.requests) == 3 + 1 + 180
    assert said[0].startswith(
        "latency: 180 GET requests to 3 endpoints in about 2 s, at most 100 a second to a host"
    )


def test_a_watch_is_sampled_over_its_whole_length() -> None:
    async def go() -> tuple[Result, float]:
        async with serving(always(OK)) as site:
            watch = Watch(length_s=4.0, interval_s=1.0)
            settings = settings_for(site.url, latency={**QUICK, "rate": 30})
            results = await verify_all(settings, watch=watch)
            return results["/health"], watch.elapsed_s

    result, took_s = asyncio.run(go())

    assert result.outcome is Outcome.PASSED, result.summary
    assert took_s > 3.0
    assert result.evidence is not None
    n = result.evidence.facts["n"]
    assert isinstance(n, int)
    assert 60 <= n <= 90


def test_slowness_is_called_out_while_the_watch_goes_on_and_fails_it() -> None:
    said: list[str] = []

    async def go() -> tuple[Result, Watch]:
        async with serving(every(3, slowly)) as site:
            watch = Watch(length_s=12.0, interval_s=1.0)
            table = {**QUICK, "rate": 20, "p95": SLOW, "requests": 1_000}
            settings = settings_for(site.url, latency=table)
            results = await verify_all(settings, watch=watch, said=said)
            return results["/health"], watch

    result, watch = asyncio.run(go())

    assert result.outcome is Outcome.FAILED, result.summary
    assert "slow for certain" in result.summary
    called = [line for line in said if line.startswith("latency.p95[/health] is slow, ")]
    assert len(called) == 1
    assert int(called[0].split()[3]) < 12
    assert "latency.p95[/health]" in [each.label for each in watch.signals.all()]
    assert result.evidence is not None
    assert isinstance(result.evidence.facts["slow_at_s"], float)
    drawn = result.evidence.attachments[0]
    assert isinstance(drawn, Timeline)
    assert [state for _, state, _ in drawn.marks] == ["passed", "failed"]


def test_slow_answers_are_taken_by_the_schedule_and_not_as_they_come() -> None:
    look = SimpleNamespace(watch=Watch(length_s=900.0, interval_s=5.0), say=lambda _: None)
    lookout = Lookout(look, {0: "/health"}, 3_000, 500.0)  # type: ignore[arg-type]
    quick = [Shot(0, turn / 3, 0.1, 20.0, 200, turn=turn) for turn in range(1, 40)]

    lookout.see(Sample(quick))

    assert lookout.seen(0) == 0  # the first request has not come back
    lookout.see(Sample([*quick, Shot(0, 0.0, 0.1, 900.0, 200, turn=0)]))
    assert lookout.seen(0) == 40


@pytest.mark.parametrize(
    ("late_ms", "error", "is_called_out"),
    [(0.1, "", True), (590.0, "", False), (0.1, "status 500", True), (590.0, "no answer", False)],
)
def test_only_what_the_server_did_is_called_out_in_a_watch(
    late_ms: float, error: str, *, is_called_out: bool
) -> None:
    said: list[str] = []
    look = SimpleNamespace(watch=Watch(length_s=900.0, interval_s=5.0), say=said.append)
    lookout = Lookout(look, {0: "/health"}, 3_000, 500.0)  # type: ignore[arg-type]
    well = [Shot(0, turn / 3, 0.1, 20.0, 200, turn=turn) for turn in range(1_000)]
    bad = [Shot(0, n / 3, late_ms, 600.0, 200, error, n) for n in range(1_000, 1_040)]

    lookout.see(Sample([*well, *bad]))

    assert bool(said) is is_called_out


def test_a_watch_that_ends_ends_the_measuring() -> None:
    async def go() -> tuple[Result, float]:
        async with serving(always(OK)) as site:
            watch = Watch(length_s=60.0, interval_s=1.0)
            asyncio.get_running_loop().call_later(2.0, watch.end, "health failed")
            settings = settings_for(site.url, latency={**QUICK, "rate": 20})
            results = await verify_all(settings, watch=watch)
            return results["/health"], watch.elapsed_s

    result, took_s = asyncio.run(go())

    assert result.outcome is Outcome.UNVERIFIED
    assert took_s < 20


# --- what the report shows


def shots(latencies_ms: list[float], late_ms: float = 0.2) -> list[Shot]:
    return [Shot(0, place / 10, late_ms, ms, 200) for place, ms in enumerate(latencies_ms)]


def shown(requests: list[Shot]) -> tuple[Chart, Table, Table]:
    measured = Measured("http://127.0.0.1/orders", 10, requests)
    found = Campaign(300, 10, {"/orders": measured}, "2026-11-24T10:00:00+00:00")
    chart, slowest, spread = evidence_of("/orders", measured, found, LatencyTable()).attachments
    assert isinstance(chart, Chart)
    assert isinstance(slowest, Table)
    assert isinstance(spread, Table)
    return chart, slowest, spread


def test_a_long_sample_is_drawn_by_its_slowest_points() -> None:
    chart, _, _ = shown(shots([20.0] * 1000 + [900.0] + [20.0] * 1999))

    assert len(chart.points) <= 300
    assert max(chart.points, key=lambda point: point[1]) == (100.0, 900.0)
    assert chart.limit == 500
    assert chart.band == (20.0, 20.0)


def test_the_slowest_ten_are_listed_failures_first() -> None:
    failed = Shot(0, 60.0, 0.1, 3.0, 503, "status 503")
    _, slowest, spread = shown([*shots([float(ms) for ms in range(100, 400)]), failed])

    assert len(slowest.rows) == 10
    assert slowest.rows[0] == ("60.00 s", "3 ms", "status 503")
    assert slowest.rows[1] == ("29.90 s", "399 ms", "status 200")
    assert ("failed", "1", "0.3%") in spread.rows


def test_a_failed_request_is_drawn_at_the_limit_at_least() -> None:
    chart, _, _ = shown([Shot(0, 1.0, 0.1, 3.0, 503, "status 503")])

    assert chart.points == ((1.0, 500.0),)
