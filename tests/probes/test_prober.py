"""The latency prober against real servers: its schedule, its honesty, and when it stops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from benchmarks.known_server import Server
from pytest_chefrelease.errors import ProbeError
from pytest_chefrelease.probes.prober import Batch, Lane, Prober, Sample, Shot
from pytest_chefrelease.runbook.p95 import quantiles
from tests.probes.loopback import Authority, Request, Site, always, answer, serving

pytestmark = pytest.mark.alone

Reply = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]
OK = answer(200, '{"status":"ok"}')


def batch(*urls: str, count: int, rate: float, **more: object) -> Batch:
    """All addresses in one lane that takes ``rate`` requests a second."""
    fields = {"timeout_s": 5.0, "max_body_bytes": 10_000, **more}
    lanes = (Lane(1 / rate, tuple(range(len(urls)))),)
    return Batch(urls=urls, lanes=lanes, count=count, **fields)  # type: ignore[arg-type]


async def sampled(asked: Batch, ca_file: str | None = None) -> Sample:
    async with Prober(ca_file) as prober:
        return await prober.sample(asked)


def probe(reply: Reply, *, count: int, rate: float, **more: object) -> tuple[Sample, Site]:
    """One endpoint of a server that answers by ``reply``."""

    async def go() -> tuple[Sample, Site]:
        async with serving(reply) as site:
            return await sampled(batch(f"{site.url}/a", count=count, rate=rate, **more)), site

    return asyncio.run(go())


def slowly(seconds: float) -> Reply:
    async def reply(_request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        writer.write(OK)

    return reply


def test_requests_start_on_the_schedule_however_slow_the_answers_are() -> None:
    sample, site = probe(slowly(0.5), count=40, rate=100)

    assert [round(shot.at_s - sample.shots[0].at_s, 2) for shot in sample.shots] == [
        round(place / 100, 2) for place in range(40)
    ]
    assert site.most_at_once > 30


def test_what_a_stall_delays_is_counted_from_the_schedule() -> None:
    count = 0

    async def stalling_once(_request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        if count == 60:
            time.sleep(0.5)  # noqa: ASYNC251 - the whole server stalls; the prober lives elsewhere
        writer.write(OK)

    sample, _ = probe(stalling_once, count=150, rate=100)

    delayed = [shot for shot in sample.shots if shot.ms > 100]
    assert len(delayed) >= 38  # a closed loop would have one
    # All waited for the same moment: what was due first in the stall waited longest.
    third = len(delayed) // 3
    waits = [shot.ms for shot in delayed]
    assert sum(waits[:third]) / third - sum(waits[-third:]) / third > 100
    assert max(waits) >= 490


def test_no_answer_counts_as_come_before_its_last_byte() -> None:
    async def in_parts(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"0\r\n\r\n")

    for reply in (slowly(0.05), in_parts):
        sample, _ = probe(reply, count=100, rate=200)

        assert {shot.error for shot in sample.shots} == {""}
        assert min(shot.ms for shot in sample.shots) >= 49.5


def test_the_prober_tells_its_own_lateness() -> None:
    sample, _ = probe(always(OK), count=100, rate=100)

    late = quantiles([shot.late_ms for shot in sample.shots])
    assert late.p50_ms is not None
    assert 0 < late.p50_ms < 50


def test_what_holds_this_process_up_does_not_delay_the_prober() -> None:
    def hold_up(_sample: Sample) -> bool:
        time.sleep(0.8)
        return True

    async def go() -> Sample:
        async with Prober() as prober:
            return await prober.sample(batch(server.url, count=200, rate=100), hold_up)

    with Server() as server:
        sample = asyncio.run(go())

    # On a loop that is shared, half of the requests would be late by 300 ms and more.
    late_ms = quantiles([shot.late_ms for shot in sample.shots]).p50_ms
    assert late_ms is not None
    assert late_ms < 100


def test_connections_are_kept_and_the_first_is_opened_before_the_schedule() -> None:
    async def go() -> tuple[Sample, list[object]]:
        peers: list[object] = []

        async def reply(_request: Request, writer: asyncio.StreamWriter) -> None:
            peers.append(writer.get_extra_info("peername"))
            writer.write(OK)

        async with serving(reply) as site:
            return await sampled(batch(f"{site.url}/a", count=20, rate=20)), peers

    sample, peers = asyncio.run(go())

    assert len(sample.shots) == 20
    assert len(peers) == 21
    assert len(set(peers)) <= 10  # one, but for what a busy machine makes overlap


def test_only_get_is_sent_and_the_prober_says_who_it_is() -> None:
    _, site = probe(always(OK), count=5, rate=100)

    assert {request.method for request in site.requests} == {"GET"}
    assert "chefrelease" in site.requests[0].headers["user-agent"]


def test_endpoints_of_a_lane_take_turns() -> None:
    async def go() -> tuple[Sample, Site]:
        async with serving(always(OK)) as site:
            asked = batch(f"{site.url}/a", f"{site.url}/b", count=10, rate=100)
            return await sampled(asked), site

    sample, site = asyncio.run(go())

    assert [shot.endpoint for shot in sample.shots] == [0, 1] * 10
    assert sample.shots[-1].at_s - sample.shots[0].at_s == pytest.approx(0.19, abs=0.001)
    assert len(site.requests) == 21


def test_sampling_stops_at_once_when_all_fail() -> None:
    sample, site = probe(always(answer(503)), count=200, rate=50)

    assert len(sample.shots) <= 8
    assert len(site.requests) <= 9
    assert sample.stops[0].reason == "5 of the last 5 requests failed, last: status 503"


def test_sampling_stops_when_half_of_the_last_requests_fail() -> None:
    count = 0

    async def every_second(_request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        writer.write(answer(500) if count > 40 and count % 2 else OK)

    sample, _ = probe(every_second, count=200, rate=100)

    assert 55 <= len(sample.shots) <= 70
    assert sample.stops[0].reason.startswith("10 of the last 20 requests failed")


def test_a_few_errors_stop_nothing() -> None:
    count = 0

    async def seldom(_request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        writer.write(answer(500) if count % 10 == 0 else OK)

    sample, _ = probe(seldom, count=100, rate=200)

    assert len(sample.shots) == 100
    assert sum(bool(shot.error) for shot in sample.shots) == 10
    assert sample.stops == {}


def test_429_stops_every_endpoint_of_the_host_with_its_retry_after() -> None:
    count = 0

    async def limiting(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        is_limited = request.path == "/b" and count > 10
        writer.write(answer(429, headers={"retry-after": "30"}) if is_limited else OK)

    async def go() -> Sample:
        async with serving(limiting) as site:
            return await sampled(batch(f"{site.url}/a", f"{site.url}/b", count=100, rate=50))

    sample = asyncio.run(go())

    assert {place: stop.retry_after for place, stop in sample.stops.items()} == {0: "30", 1: "30"}
    assert all(stop.is_rate_limit for stop in sample.stops.values())
    assert len(sample.shots) < 20


def test_an_accepted_status_is_no_error() -> None:
    sample, _ = probe(always(answer(401)), count=10, rate=100, accepted={0: (401,)})

    assert {(shot.status, shot.error) for shot in sample.shots} == {(401, "")}


def test_a_redirect_is_measured_and_not_followed() -> None:
    sample, site = probe(always(answer(302, headers={"location": "/a"})), count=5, rate=100)

    assert {(shot.status, shot.error) for shot in sample.shots} == {(302, "")}
    assert len(site.requests) == 6


def test_a_body_that_never_ends_is_an_error_at_the_time_limit() -> None:
    stopped_short = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"

    sample, _ = probe(always(stopped_short), count=1, rate=10, timeout_s=0.4)

    assert [shot.error for shot in sample.shots] == ["no answer in 0.4 s"]
    assert sample.shots[0].ms == pytest.approx(400, abs=60)


def test_a_body_beyond_the_bound_is_an_error_and_not_read_on() -> None:
    sample, _ = probe(always(answer(200, "x" * 50_000)), count=2, rate=10)

    assert {shot.error for shot in sample.shots} == {"a body of more than 10000 bytes"}


def test_a_refused_connection_is_an_error_in_words() -> None:
    sample = asyncio.run(sampled(batch("http://127.0.0.1:9/", count=3, rate=50)))

    assert {shot.status for shot in sample.shots} == {0}
    assert all("refused" in shot.error.lower() for shot in sample.shots)


def test_tls_of_a_configured_authority_is_trusted_and_another_is_not(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)

    async def go(ca_file: str | None) -> list[Shot]:
        async with serving(always(OK), tls=authority.server()) as site:
            return (await sampled(batch(site.url, count=2, rate=50), ca_file)).shots

    assert {shot.error for shot in asyncio.run(go(str(authority.pem)))} == {""}
    assert all("certificate" in shot.error for shot in asyncio.run(go(None)))


def test_a_cut_batch_ends_the_requests() -> None:
    async def go() -> tuple[Sample, int, int]:
        async with serving(always(OK)) as site:
            asked = batch(f"{site.url}/a", count=1000, rate=50)
            async with Prober() as prober:
                sample = await prober.sample(asked, lambda _sample: False)
            seen = len(site.requests)
            await asyncio.sleep(0.2)
            return sample, seen, len(site.requests)

    sample, at_the_end, later = asyncio.run(go())

    assert sample.is_cut
    assert at_the_end == later


def test_a_cancelled_measurement_leaves_no_process_behind() -> None:
    async def go() -> int | None:
        async with serving(slowly(3)) as site:
            prober = Prober()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.0), prober:
                    await prober.sample(batch(site.url, count=1000, rate=10))
            assert prober.process is not None
            return prober.process.returncode

    assert asyncio.run(go()) is not None


def test_a_process_that_breaks_says_why() -> None:
    with pytest.raises(ProbeError, match=r"the prober's process broke: .+"):
        asyncio.run(sampled(batch("https://127.0.0.1:9/", count=1, rate=1), "/no/such/file.pem"))
