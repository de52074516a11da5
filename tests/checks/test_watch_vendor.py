"""A vendor that fails in the middle of a watch: unverified for that time, and watched on.

Loki's double answers in this process, over the gate's own client, in virtual time.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from aiohttp.test_utils import make_mocked_request
from msgspec.structs import replace as with_changes

from pytest_chefrelease.checks import engine
from pytest_chefrelease.checks.context import utc_now
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.engine import Task
from pytest_chefrelease.checks.watching import Watch
from pytest_chefrelease.probes.http import HttpProbe
from pytest_chefrelease.rehearsal.chefcloud.visitors import request_line
from pytest_chefrelease.rehearsal.doubles import loki
from pytest_chefrelease.rehearsal.doubles.double import Double
from pytest_chefrelease.rehearsal.world import Plant
from pytest_chefrelease.runbook.evidence import Evidence, Timeline
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.checks.given import WELL, item, surroundings, task
from tests.checks.virtual_time import Clock, run
from tests.probes.vendor_doubles import PREVIOUS, WORLD

LENGTH_S, BROKE_S, RECOVERED_S = 900.0, 200.0, 400.0
TOKEN = "glc_test"
SIGNAL = "logs.no-5xx"
Failing = Callable[[], Awaitable[httpx.Response]]


def answering(status: int, text: str) -> Failing:
    async def fail() -> httpx.Response:
        headers = {"retry-after": "30"} if status == 429 else {}
        return httpx.Response(status, stream=httpx.ByteStream(text.encode()), headers=headers)

    return fail


async def cut_off() -> httpx.Response:
    raise httpx.ReadError("connection reset by peer")


async def stay_silent() -> httpx.Response:
    await asyncio.sleep(3_600)
    raise AssertionError("nobody waits so long")


FAILURES = {
    "500": (answering(500, "context canceled"), "Loki answers 500"),
    "401": (answering(401, "no org id"), "LOKI_TOKEN"),
    "429": (answering(429, "slow down"), "asked too often"),
    "cut off": (cut_off, "connection"),
    "silent": (stay_silent, "no answer in"),
    "empty": (answering(200, ""), "the body is empty"),
    "another shape": (answering(200, '{"status": "success", "data": []}'), "not as documented"),
    "a page": (answering(200, "<html>"), "instead of JSON"),
}


@dataclass
class Watched:
    """What came of the log's signal, of another one, and what was said meanwhile."""

    log: Result
    other: Result
    lasted_s: float
    ended_because: str | None
    said: list[str] = field(default_factory=list)


def watched(log: Path, failing: Failing, until_s: float = RECOVERED_S) -> Watched:
    """A watch of 15 minutes; Loki fails from second 200 to ``until_s``."""
    plants = {"production": Plant(PREVIOUS, "", "", str(log))}
    double = loki.build(replace(WORLD, plants=plants, loki_token=TOKEN))
    assert isinstance(double, Double)
    said: list[str] = []
    deployed = (utc_now() - timedelta(minutes=2)).isoformat()
    log.write_text(request_line(time.time() - 60, "GET", "/pos/orders", 200))

    async def work(clock: Clock) -> Watched:
        async def reply(request: httpx.Request) -> httpx.Response:
            if BROKE_S <= clock.now < until_s:
                return await failing()
            with log.open("a") as file:
                file.write(request_line(time.time(), "GET", f"/pos/orders/{clock.now}", 200))
            target = request.url.raw_path.decode()
            answer = double.routes[loki.PATH](double.state, make_mocked_request("GET", target))
            assert isinstance(answer.body, bytes)
            return httpx.Response(answer.status, stream=httpx.ByteStream(answer.body))

        watch = Watch(LENGTH_S, 5.0, clock=clock.steady, wall=clock.wall)
        tables = {
            "release": {"deployed_at": deployed},
            "logs": {"source": "loki:http://loki.test", "token_env": "LOKI_TOKEN"},
        }
        look = surroundings(tables, watch=watch, say=said.append)
        look = with_changes(look, now=utc_now, environment={"LOKI_TOKEN": TOKEN})
        client = httpx.AsyncClient(transport=httpx.MockTransport(reply))
        look.probes._http = HttpProbe(timeout_s=5, max_body_bytes=10_000_000, _client=client)
        log_task = Task(catalogue()[SIGNAL], None, 30)
        other = task(well, item(id="b.signal"), timeout_s=10)
        results = await asyncio.gather(engine.run(log_task, look), engine.run(other, look))
        await look.probes.close()
        return Watched(*results, clock.now, watch.ended_because, said)

    return run(work)


async def well(_look: object) -> Evidence:
    return WELL


def changes(result: Result) -> list[tuple[float, str]]:
    """When the outcome of a signal changed, and to what."""
    assert result.evidence is not None
    timeline = result.evidence.attachments[0]
    assert isinstance(timeline, Timeline)
    return [(at, outcome) for at, outcome, _ in timeline.marks]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "api.json"


@pytest.mark.parametrize("kind", FAILURES)
def test_a_vendor_that_fails_for_a_while_is_unverified_for_that_time(log: Path, kind: str) -> None:
    failing, words = FAILURES[kind]

    seen = watched(log, failing)

    assert (seen.log.outcome, seen.other.outcome) == (Outcome.PASSED, Outcome.PASSED)
    assert (seen.ended_because, seen.lasted_s >= LENGTH_S) == (None, True)
    (begin, *_), (broke_s, broken), (well_s, again) = changes(seen.log)
    assert (begin, broken, again) == (0.0, "unverified", "passed")
    # Loki is asked once in five seconds, and waited for as long.
    assert BROKE_S <= broke_s <= BROKE_S + 10
    assert RECOVERED_S <= well_s <= RECOVERED_S + 15
    assert re.search(r"; unread \d+ times, from \d+ s for \d+ s$", seen.log.summary)
    assert changes(seen.other) == [(0.0, "passed")]
    first, last = (line for line in seen.said if line.startswith(SIGNAL))
    assert first.startswith(f"{SIGNAL} cannot be read, {broke_s:.0f} s into the watch: ")
    assert words in first
    assert last == f"{SIGNAL} can be read again, {well_s:.0f} s into the watch"
    assert TOKEN not in "".join((*seen.said, seen.log.summary, seen.log.remedy))


def test_a_vendor_that_does_not_come_back_is_unverified_since_then(log: Path) -> None:
    seen = watched(log, answering(500, "oops"), until_s=LENGTH_S + 60)

    assert (seen.log.outcome, seen.other.outcome) == (Outcome.UNVERIFIED, Outcome.PASSED)
    assert (seen.ended_because, seen.lasted_s >= LENGTH_S) == (None, True)
    (_, passed), (broke_s, unread) = changes(seen.log)
    assert (passed, unread) == ("passed", "unverified")
    assert f", from {broke_s:.0f} s on)" in seen.log.summary
