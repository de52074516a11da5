"""The latency prober against a server that stalls, its processor time, and its lateness.

The server answers in 10 ms, but stalls for 2 s in every 20 s. The true P95 follows from its
own schedule: what arrives in a stall waits until its end.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine

from benchmarks.known_server import Server
from pytest_chefrelease.probes.prober import Batch, Lane, Prober, Sample
from pytest_chefrelease.probes.prober_client import Client
from pytest_chefrelease.probes.prober_loop import PreciseLoop
from pytest_chefrelease.probes.prober_process import Shooter
from pytest_chefrelease.runbook.p95 import own_part_ms, quantiles

RATE, LENGTH_S, STALL_S, LATENCY_MS = 100, 20, 2.0, 10.0
ALLOWED_ERROR, ALLOWED_CPU = 0.05, 0.10


def main() -> None:
    """Print each figure with what is wanted of it."""
    stall()
    beside_a_busy_pytest()


def stall() -> None:
    """P95 under a stall, and the processor time of the prober while it measures."""
    with Server(latencies_ms=(LATENCY_MS,), stall_s=STALL_S, period_s=LENGTH_S) as server:
        sample = asyncio.run(measure(server.url, LENGTH_S * RATE))
        stalls = server.stop()
    truth = true_p95_ms([over - begun for begun, over in stalls])
    seen = quantiles([None if shot.error else shot.ms for shot in sample.shots])
    own_ms = own_part_ms([shot.ms for shot in sample.shots], [s.late_ms for s in sample.shots])
    measured = seen.p95_ms or 0.0
    print(f"{RATE} requests/s for {LENGTH_S} s, a stall of {STALL_S:g} s:")
    print(f"  true P95            {truth:.0f} ms")
    print(
        f"  measured P95        {measured:.0f} ms, {abs(measured / truth - 1):.1%} off, "
        f"at most {ALLOWED_ERROR:.0%} wanted"
    )
    print(f"  its own part of it  {own_ms:.0f} ms at most, {own_ms / measured:.1%}")
    print(
        f"  processor time      {sample.cpu_s / LENGTH_S:.1%} of a core, "
        f"at most {ALLOWED_CPU:.0%} wanted"
    )


def true_p95_ms(stalls_s: list[float]) -> float:
    """P95 of the waits that the server's schedule gives to arrivals on ours."""
    waits = [LATENCY_MS] * (LENGTH_S * RATE)
    place = 0
    for stall_s in stalls_s:
        for arrival in range(int(stall_s * RATE)):
            waits[place] = (stall_s - arrival / RATE) * 1000 + LATENCY_MS
            place += 1
    return quantiles(waits).p95_ms or 0.0


def beside_a_busy_pytest() -> None:
    """Why it is a process of its own: its lateness while this interpreter computes."""
    with Server(latencies_ms=(LATENCY_MS,)) as server:
        print("lateness (P50, P95) at 100 requests/s while the main thread computes:")
        for name, way in (("own thread", _in_thread), ("own process", measure)):
            late = quantiles([s.late_ms for s in _beside_work(way, server.url).shots])
            print(f"  {name:<18}  {late.p50_ms:.2f} ms, {late.p95_ms:.2f} ms")


async def measure(url: str, count: int) -> Sample:
    async with Prober() as prober:
        return await prober.sample(_batch(url, count))


async def _in_thread(url: str, count: int) -> Sample:
    """The same open loop on this thread's event loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, PreciseLoop)
    async with Client(None, is_encrypted=False) as client:
        shooter = Shooter(loop, client, _batch(url, count))
        await shooter.run(loop.time())
        return Sample(shooter.shots)


def _beside_work(way: Callable[[str, int], Coroutine[object, object, Sample]], url: str) -> Sample:
    found: list[Sample] = []
    thread = threading.Thread(target=lambda: found.append(_run(way(url, 500))))
    thread.start()
    while thread.is_alive():
        _compute(0.05)
    return found[0]


def _run(work: Coroutine[object, object, Sample]) -> Sample:
    with asyncio.Runner(loop_factory=PreciseLoop) as runner:
        return runner.run(work)


def _compute(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        sum(range(1000))


def _batch(url: str, count: int) -> Batch:
    lanes = (Lane(1 / RATE, (0,)),)
    return Batch(urls=(url,), lanes=lanes, count=count, timeout_s=10, max_body_bytes=2_000_000)


if __name__ == "__main__":
    main()
