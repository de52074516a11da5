"""What Prometheus counts, read from a real server that scrapes an exporter on loopback."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from pytest_chefrelease.rehearsal.doubles import prometheus as prometheus_double
from pytest_chefrelease.runbook.evidence import Table
from pytest_chefrelease.runbook.histogram import classes, quantile
from pytest_chefrelease.runbook.item import Symptom
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.checks.looking import verified, verify
from tests.probes import loopback
from tests.probes.loopback import always, answer
from tests.probes.monitoring_doubles import serving
from tests.probes.prometheus_servers import (
    Exporter,
    running_prometheus,
    value_of,
    wait_until,
)
from tests.probes.vendor_doubles import WORLD

BUCKETS = 'http_request_duration_seconds_bucket{job="api",route="/health"}'


@dataclass
class Server:
    url: str
    exporter: Exporter

    def look(self, item: str, parameter: str, **more: object) -> Result:
        table = {
            "url": self.url,
            "matchers": ['job="api"'],
            "window": "6s",
            "pool_waiting": "prisma_client_queries_wait",
        }
        latency = {"source": "prometheus", "endpoints": ["/health", "/idle"]}
        tables = {"prometheus": table | more, "latency": latency}
        return verified(item, tables, parameter=parameter)

    def has(self, promql: str, holds: Callable[[float], bool]) -> None:
        def is_so() -> bool:
            found = value_of(self.url, promql)
            return found is not None and holds(found)

        wait_until(is_so)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    exporter = Exporter()
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), exporter) as url:
        running = Server(url, exporter)
        running.has(f"sum(increase({BUCKETS}[6s]))", lambda n: n > 500)
        yield running


def test_a_healthy_application_passes_every_signal(server: Server) -> None:
    for signal in ("error-rate", "instances", "restarts", "pool"):
        result = server.look("metrics.signal", signal)
        assert result.outcome is Outcome.PASSED, result.summary


def test_p95_is_the_servers_own_with_the_bucket_as_its_uncertainty(server: Server) -> None:
    result = server.look("latency.p95", "/health")

    assert result.outcome is Outcome.PASSED, result.summary
    assert result.evidence is not None
    facts = result.evidence.facts
    by_server = value_of(
        server.url, f"histogram_quantile(0.95, sum by (le) (increase({BUCKETS}[6s])))"
    )
    assert by_server is not None
    assert facts["p95_ms"] == pytest.approx(by_server * 1000, rel=0.02)
    assert (facts["p95_low_ms"], facts["p95_high_ms"]) == (0.0, 100.0)
    drawn = result.evidence.attachments[0]
    assert isinstance(drawn, Table)
    assert [(row[0], row[2]) for row in drawn.rows] == [("0 to 100 ms", "100.0%")]


def test_no_traffic_is_not_the_same_as_fast(server: Server) -> None:
    result = server.look("latency.p95", "/idle")

    assert result.outcome is Outcome.UNVERIFIED
    assert "0 requests of /idle" in result.summary


def test_what_no_instance_is_scraped_for_is_no_evidence(server: Server) -> None:
    for signal in ("error-rate", "instances", "restarts", "pool"):
        result = server.look("metrics.signal", signal, matchers=['job="till"'])
        assert result.outcome is Outcome.UNVERIFIED, signal


def test_a_slow_application_fails_and_a_limit_inside_a_bucket_is_open(server: Server) -> None:
    server.exporter.latencies_s = {"/health": 0.7}
    within = BUCKETS.replace("route", 'le="0.5",route')
    share = f"sum(increase({within}[6s]))"
    server.has(share, lambda n: n == 0)

    slow = server.look("latency.p95", "/health")
    server.exporter.latencies_s = {"/health": 0.3}
    server.has(share, lambda n: n > 500)
    server.has(
        f"histogram_quantile(0.95, sum by (le) (increase({BUCKETS}[6s])))", lambda p95: p95 < 0.5
    )
    between = verified(
        "latency.p95",
        {
            "prometheus": {"url": server.url, "window": "6s"},
            "latency": {"source": "prometheus", "p95": "300ms", "endpoints": ["/health"]},
        },
    )

    assert slow.outcome is Outcome.FAILED
    assert "between 500 and 1000 ms" in slow.summary
    assert between.outcome is Outcome.UNVERIFIED, between.summary
    assert "the limit lies inside the bucket" in between.summary
    assert between.remedy == "Give the histogram a bucket at 0.3 s."


def test_errors_restarts_waiting_queries_and_dead_instances_fail(server: Server) -> None:
    server.exporter.errors_each_scrape = 10
    server.has('sum(increase(http_requests_total{status="500"}[6s]))', lambda n: n > 60)
    errors = server.look("metrics.signal", "error-rate")
    server.exporter.errors_each_scrape = 0
    changes = "changes(process_start_time_seconds[15m])"
    server.exporter.started += 60
    server.has(changes, lambda n: n == 1)
    server.exporter.started += 60
    server.has(changes, lambda n: n == 2)
    restarts = server.look("metrics.signal", "restarts")
    full = server.look("metrics.signal", "pool", pool_waiting="always_waiting")
    server.exporter.status = 500
    server.has('up{job="api"}', lambda up: up == 0)
    down = server.look("metrics.signal", "instances")

    assert (errors.outcome, errors.symptom) == (Outcome.FAILED, Symptom.SERVER_ERRORS)
    assert full.outcome is Outcome.FAILED
    assert "at least 4 queries waited" in full.summary
    assert restarts.outcome is Outcome.FAILED
    assert "started again and again" in restarts.summary
    assert down.outcome is Outcome.FAILED
    assert "0 of 1 instances are up, down: 127.0.0.1:" in down.summary


def test_what_prometheus_refuses_is_told_in_its_own_words(server: Server) -> None:
    result = server.look("metrics.signal", "restarts", started="no such metric")

    assert result.outcome is Outcome.UNVERIFIED
    assert "bad_data: " in result.summary


def test_the_double_answers_in_the_servers_own_form(server: Server) -> None:
    """Field by field as the real one does, for every query that the gate has."""

    async def go() -> list[object]:
        async with serving(prometheus_double.build(WORLD)) as running:
            for signal in ("error-rate", "instances", "restarts", "pool"):
                table = {"url": running.url, "pool_waiting": "prisma_client_queries_wait"}
                result = await verify("metrics.signal", {"prometheus": table}, parameter=signal)
                assert result.outcome is Outcome.PASSED, result.summary
            return [each.body for each in running.said]

    said = asyncio.run(go())
    real = httpx.get(f"{server.url}/api/v1/query", params={"query": "up"}).json()
    assert len(said) == 5
    for body in said:
        assert shape(body) == shape(real)


def shape(body: Any) -> Any:  # noqa: ANN401 (a vendor's document)
    (first, *_) = body["data"]["result"]
    keys = (sorted(body), sorted(body["data"]), body["data"]["resultType"], sorted(first))
    return (*keys, [isinstance(first["value"][0], float), isinstance(first["value"][1], str)])


def answering(item: str, parameter: str, *samples: tuple[str, str]) -> Result:
    """An item's result where every query gives these samples: a bucket's bound, and a value."""
    result = [{"metric": {"le": le}, "value": [1.0, value]} for le, value in samples]
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})

    async def go() -> Result:
        async with loopback.serving(always(answer(200, body))) as site:
            tables = {"prometheus": {"url": site.url}, "latency": {"source": "prometheus"}}
            return await verify(item, tables, parameter=parameter)

    return asyncio.run(go())


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "-3", "1e309"])
def test_a_count_that_is_none_is_not_zero(value: str) -> None:
    result = answering("metrics.signal", "error-rate", ("", value))

    assert result.outcome is Outcome.UNVERIFIED
    assert "Prometheus counts" in result.summary


@pytest.mark.parametrize(
    ("bound", "value"), [("soon", "500"), ("NaN", "500"), ("0.1", "+Inf"), ("0.1", "-1")]
)
def test_a_bucket_that_is_none_says_nothing_of_the_latency(bound: str, value: str) -> None:
    result = answering("latency.p95", "/health", ("+Inf", "500"), (bound, value))

    assert result.outcome is Outcome.UNVERIFIED
    assert "Prometheus has a bucket up to" in result.summary


def test_without_a_prometheus_it_does_not_apply() -> None:
    assert verified("metrics.signal", {}, parameter="pool").outcome is Outcome.NOT_APPLICABLE


def test_buckets_are_told_apart_by_what_lies_between_their_bounds() -> None:
    buckets = [(math.inf, 10.0), (0.1, 6.0), (0.5, 9.0)]

    assert classes(buckets) == [(0.0, 0.1, 6.0), (0.1, 0.5, 3.0), (0.5, math.inf, 1.0)]


def test_a_quantile_is_interpolated_and_above_the_last_bound_it_has_no_upper_one() -> None:
    found = quantile(0.95, [(0.1, 90), (0.5, 100), (math.inf, 100)])
    beyond = quantile(0.95, [(0.1, 50), (math.inf, 100)])

    assert found is not None
    assert found.value_ms == pytest.approx(300)
    assert (found.low_ms, found.high_ms) == (100, 500)
    assert beyond is not None
    assert (beyond.value_ms, beyond.high_ms) == (100, math.inf)
    assert quantile(0.95, [(0.1, 0), (math.inf, 0)]) is None
    assert quantile(0.95, []) is None
