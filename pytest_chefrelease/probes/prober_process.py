"""The prober's process: an open loop that keeps its schedule, and nothing else.

It is a process of its own because a check's event loop shares its interpreter with pytest
and with other checks: whatever they compute would be measured as the server's latency.

Requests start on a fixed schedule whether or not earlier ones were answered, each over an
idle kept-alive connection or else over a new one. One request per host opens a connection
before the schedule starts and is not counted; a handshake that a stall makes necessary is.
Only GET is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import time
from collections import deque
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from pytest_chefrelease.probes.prober_client import Address, Client, Reply
from pytest_chefrelease.probes.prober_loop import PreciseLoop
from pytest_chefrelease.probes.prober_wire import Batch, Endpoint, Lane, Report, Shot, Stop

_REPORT_S = 0.5
_LEAD_S = 0.02
_PRIORITY = -10
_IN_A_ROW = 5
_WINDOW, _OF_WINDOW = 20, 10
"""Errors rise when five requests in a row fail, or ten of the last twenty."""


class Clock(Struct, frozen=True):
    """When the first batch began, on the loop's clock and on the processor's."""

    wall_s: float
    cpu_s: float

    @classmethod
    def now(cls) -> Clock:
        """It begins now."""
        return cls(time.monotonic(), time.process_time())


@dataclass(slots=True)
class _Endpoint:
    """What is known of an endpoint while it is asked."""

    address: Address
    accepted: tuple[int, ...]
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=_WINDOW))
    stop: Stop | None = None

    def note(self, error: str) -> None:
        """Count an answer, and stop when errors rise."""
        self.recent.append(bool(error))
        row = list(self.recent)[-_IN_A_ROW:]
        if self.stop is None and (
            (len(row) == _IN_A_ROW and all(row)) or sum(self.recent) >= _OF_WINDOW
        ):
            failed = f"{sum(self.recent)} of the last {len(self.recent)} requests failed"
            self.stop = Stop(f"{failed}, last: {error}" if error else failed)


@dataclass(slots=True)
class Shooter:
    """Sends the requests of one batch and keeps what became of them."""

    loop: PreciseLoop
    client: Client
    batch: Batch
    began: Clock = field(default_factory=Clock.now)
    endpoints: dict[Endpoint, _Endpoint] = field(default_factory=dict)
    shots: list[Shot] = field(default_factory=list)
    told: set[Endpoint] = field(default_factory=set)

    def __post_init__(self) -> None:
        for lane in self.batch.lanes:
            for number in lane.endpoints:
                address = Address.of(self.batch.urls[number])
                accepted = self.batch.accepted.get(number, ())
                self.endpoints[number] = _Endpoint(address, accepted)

    async def run(self, start: float) -> None:
        """Send everything that the schedule says, and wait for the last answer."""
        async with asyncio.TaskGroup() as group:
            for lane in self.batch.lanes:
                group.create_task(self._run_lane(lane, start, group))

    async def _run_lane(self, lane: Lane, start: float, group: asyncio.TaskGroup) -> None:
        for place in range(self.batch.count * len(lane.endpoints)):
            due = start + place * lane.gap_s
            await asyncio.sleep(max(0.0, due - self.loop.time()))
            turn, seat = divmod(place, len(lane.endpoints))
            number = lane.endpoints[seat]
            if self.endpoints[number].stop is None:
                group.create_task(self.shoot(lane, number, due, turn))
            elif all(self.endpoints[n].stop for n in lane.endpoints):
                return

    async def shoot(self, lane: Lane, number: Endpoint, due: float, turn: int = 0) -> None:
        """Send the request that was due at that time of the loop's clock."""
        endpoint, batch = self.endpoints[number], self.batch
        reply = await self.client.get(endpoint.address, due + batch.timeout_s, batch.max_body_bytes)
        handed_at, came_at, noticing_s = self._times(reply)
        error = reply.error
        if reply.is_timeout:
            error = f"no answer in {batch.timeout_s:g} s"
        elif not error and reply.status >= 400 and reply.status not in endpoint.accepted:
            error = f"status {reply.status}"
        self.shots.append(
            Shot(
                number,
                at_s=round(due - self.began.wall_s, 4),
                late_ms=round((handed_at - due + noticing_s) * 1000, 3),
                ms=round((came_at - due) * 1000, 3),
                status=reply.status,
                error=error,
                turn=turn,
            )
        )
        endpoint.note(error)
        if reply.status == 429:
            for other in lane.endpoints:
                self.endpoints[other].stop = Stop(
                    error, is_rate_limit=True, retry_after=reply.retry_after
                )

    def _times(self, reply: Reply) -> tuple[float, float, float]:
        """When the request was handed to the network, and when its answer had come.

        And how much earlier than that it may have come, unnoticed, in seconds.
        """
        now = self.loop.time()
        handed_at = now if reply.handed_at is None else reply.handed_at
        came_at = max(handed_at, self.loop.read_at) if reply.is_whole else now
        return handed_at, came_at, max(0.0, came_at - max(handed_at, self.loop.idle_until))

    def report(self, *, is_last: bool) -> Report:
        """What is new since the last report."""
        shots, self.shots = self.shots, []
        stops = {n: e.stop for n, e in self.endpoints.items() if e.stop and n not in self.told}
        self.told.update(stops)
        return Report(shots, stops, is_last, time.process_time() - self.began.cpu_s)


def main() -> None:
    """Serve batches from standard input until it ends; ``argv[2]`` is a file of authorities."""
    # Ctrl-C reaches the whole process group: it is the parent that decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # It sleeps nine tenths of the time, but must wake when it is due. Root may; others do without.
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    ca_file = sys.argv[2] if len(sys.argv) > 2 else None
    gc.freeze()
    loop = PreciseLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(_serve(loop, ca_file))


async def _serve(loop: PreciseLoop, ca_file: str | None) -> None:
    commands = await _stdin(loop)
    line = await commands.readline()
    if not line:
        return
    batch = msgspec.json.decode(line, type=Batch)
    is_encrypted = any(url.startswith("https:") for url in batch.urls)
    async with Client(ca_file, is_encrypted=is_encrypted) as client:
        await _open_connections(Shooter(loop, client, batch))
        began = Clock.now()
        while line:
            batch = msgspec.json.decode(line, type=Batch)
            sampling = asyncio.create_task(_sample(Shooter(loop, client, batch, began)))
            following = asyncio.create_task(commands.readline())
            await asyncio.wait({sampling, following}, return_when=asyncio.FIRST_COMPLETED)
            if not sampling.done():
                sampling.cancel()  # the parent is gone, or wants no more
                following.cancel()
                return
            await sampling
            line = await following


async def _sample(shooter: Shooter) -> None:
    shooting = asyncio.create_task(shooter.run(shooter.loop.time() + _LEAD_S))
    try:
        while not shooting.done():
            await asyncio.wait({shooting}, timeout=_REPORT_S)
            if not shooting.done():
                _tell(shooter.report(is_last=False))
        await shooting
    finally:
        shooting.cancel()
    _tell(shooter.report(is_last=True))


def _tell(report: Report) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    sys.stdout.buffer.flush()


async def _open_connections(shooter: Shooter) -> None:
    """One uncounted request per host: the schedule does not begin with a handshake."""
    for lane in shooter.batch.lanes:
        await shooter.shoot(lane, lane.endpoints[0], shooter.loop.time())


async def _stdin(loop: PreciseLoop) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader
