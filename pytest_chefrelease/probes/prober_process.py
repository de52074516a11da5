"""The prober's process: an open loop that keeps its schedule, and nothing else.

It is a process of its own because a check's event loop shares its interpreter with pytest
and with other checks: whatever they compute would be measured as the server's latency.

Requests start on a fixed schedule whether or not earlier ones were answered, each over an
idle kept-alive connection or else over a new one; their number has no limit, for a limit
would make the client wait instead of the server. One request per host opens a connection
before the schedule starts and is not counted; a handshake that a stall makes necessary is.
GET only; redirects are not followed; bodies are read to their end, as sent.

aiohttp is imported here and nowhere else in the product.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import select
import selectors
import signal
import ssl
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from types import SimpleNamespace
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from yarl import URL

from pytest_chefrelease import __version__
from pytest_chefrelease.probes.prober_wire import Batch, Endpoint, Lane, Report, Shot, Stop

_REPORT_S = 0.5
_LEAD_S = 0.02
_PRIORITY = -10
_IN_A_ROW = 5
_WINDOW, _OF_WINDOW = 20, 10
"""Errors rise when five requests in a row fail, or ten of the last twenty."""


class _PreciseSelector(selectors.DefaultSelector):
    """Waits to the microsecond: epoll's own time-out is rounded up to whole milliseconds."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            select.select([self.fileno()], [], [], timeout)
            timeout = 0
        return super().select(timeout)


@dataclass(frozen=True, slots=True)
class _Clock:
    """When the first batch began, on the loop's clock and on the processor's."""

    wall_s: float
    cpu_s: float


@dataclass(slots=True)
class _Endpoint:
    """What is known of an endpoint while it is asked."""

    url: URL
    proxy: URL | None
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
class _Shooter:
    """Sends the requests of one batch and keeps what became of them."""

    session: aiohttp.ClientSession
    batch: Batch
    began: _Clock
    endpoints: dict[Endpoint, _Endpoint] = field(default_factory=dict)
    shots: list[Shot] = field(default_factory=list)
    told: set[Endpoint] = field(default_factory=set)

    def __post_init__(self) -> None:
        for lane in self.batch.lanes:
            for number in lane.endpoints:
                url = self.batch.urls[number]
                accepted = self.batch.accepted.get(number, ())
                self.endpoints[number] = _Endpoint(URL(url), _proxy(url), accepted)

    async def run(self, start: float) -> None:
        """Send everything that the schedule says, and wait for the last answer."""
        async with asyncio.TaskGroup() as group:
            for lane in self.batch.lanes:
                group.create_task(self._run_lane(lane, start, group))

    async def _run_lane(self, lane: Lane, start: float, group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        for place in range(self.batch.count * len(lane.endpoints)):
            due = start + place * lane.gap_s
            await asyncio.sleep(max(0.0, due - loop.time()))
            number = lane.endpoints[place % len(lane.endpoints)]
            if self.endpoints[number].stop is None:
                group.create_task(self.shoot(lane, number, due))
            elif all(self.endpoints[n].stop for n in lane.endpoints):
                return

    async def shoot(self, lane: Lane, number: Endpoint, due: float) -> None:
        """Send the request that was due at that time of the loop's clock."""
        loop = asyncio.get_running_loop()
        endpoint = self.endpoints[number]
        handed = SimpleNamespace(at=None)
        status, error = await self._get(endpoint, due, handed)
        now = loop.time()
        late = (now if handed.at is None else handed.at) - due
        self.shots.append(
            Shot(
                number,
                round(due - self.began.wall_s, 4),
                round(late * 1000, 3),
                round((now - due) * 1000, 3),
                status,
                error,
            )
        )
        endpoint.note(error)
        if status == 429:
            for other in lane.endpoints:
                self.endpoints[other].stop = Stop(
                    error, is_rate_limit=True, retry_after=handed.retry_after
                )

    async def _get(
        self, endpoint: _Endpoint, due: float, handed: SimpleNamespace
    ) -> tuple[int, str]:
        """One request: its status, or 0, and what was wrong with it, or nothing."""
        status = 0
        try:
            async with (
                asyncio.timeout_at(due + self.batch.timeout_s),
                self.session.get(
                    endpoint.url,
                    allow_redirects=False,
                    proxy=endpoint.proxy,
                    trace_request_ctx=handed,
                ) as response,
            ):
                status = response.status
                handed.retry_after = response.headers.get("Retry-After", "")[:40]
                size = 0
                async for chunk in response.content.iter_any():
                    size += len(chunk)
                    if size > self.batch.max_body_bytes:
                        return status, f"a body of more than {self.batch.max_body_bytes} bytes"
        except TimeoutError:
            return status, f"no answer in {self.batch.timeout_s:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            return status, _in_words(problem)
        is_right = status < 400 or status in endpoint.accepted
        return status, "" if is_right else f"status {status}"

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
    with asyncio.Runner(loop_factory=_make_loop) as runner:
        runner.run(_serve(ca_file))


def _make_loop() -> asyncio.AbstractEventLoop:
    return asyncio.SelectorEventLoop(_PreciseSelector())


async def _serve(ca_file: str | None) -> None:
    commands = await _stdin()
    line = await commands.readline()
    if not line:
        return
    batch = msgspec.json.decode(line, type=Batch)
    async with _make_session(batch, ca_file) as session:
        await _open_connections(session, batch)
        began = _Clock(asyncio.get_running_loop().time() + _LEAD_S, time.process_time())
        while line:
            batch = msgspec.json.decode(line, type=Batch)
            sampling = asyncio.create_task(_sample(session, batch, began))
            following = asyncio.create_task(commands.readline())
            await asyncio.wait({sampling, following}, return_when=asyncio.FIRST_COMPLETED)
            if not sampling.done():
                sampling.cancel()  # the parent is gone, or wants no more
                following.cancel()
                return
            await sampling
            line = await following


async def _sample(session: aiohttp.ClientSession, batch: Batch, began: _Clock) -> None:
    shooter = _Shooter(session, batch, began)
    shooting = asyncio.create_task(shooter.run(asyncio.get_running_loop().time() + _LEAD_S))
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


async def _open_connections(session: aiohttp.ClientSession, batch: Batch) -> None:
    """One uncounted request per host: the schedule does not begin with a handshake."""
    shooter = _Shooter(session, batch, _Clock(0.0, 0.0))
    for lane in batch.lanes:
        due = asyncio.get_running_loop().time()
        await shooter.shoot(lane, lane.endpoints[0], due)


async def _stdin() -> asyncio.StreamReader:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _make_session(batch: Batch, ca_file: str | None) -> aiohttp.ClientSession:
    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(_on_handed)
    trace.on_connection_create_start.append(_on_handed)
    # Reading the authorities takes a tenth of a second of processor time.
    is_encrypted = any(url.startswith("https:") for url in batch.urls)
    connector = aiohttp.TCPConnector(
        limit=0, ssl=_trust(ca_file) if is_encrypted else True, ttl_dns_cache=300
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, connect=None),
        trace_configs=[trace],
        headers={"User-Agent": f"chefrelease/{__version__} (prober)", "Accept": "*/*"},
    )


async def _on_handed(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: object
) -> None:
    """The client has a connection for the request, or begins to make one."""
    handed = context.trace_request_ctx
    if handed.at is None:
        handed.at = asyncio.get_running_loop().time()


def _trust(ca_file: str | None) -> ssl.SSLContext:
    """The machine's authorities, the public ones, and the configured ones."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def _proxy(url: str) -> URL | None:
    """The environment's proxy for an address; what is on this machine needs none."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in ("localhost", "127.0.0.1", "::1") or not (proxies := getproxies()):
        return None
    proxy = None if proxy_bypass(host) else proxies.get(parts.scheme)
    return URL(proxy) if proxy else None


def _in_words(problem: Exception) -> str:
    """``Connection refused`` and the like; TLS and names that do not resolve as they say it."""
    system = getattr(problem, "os_error", problem)
    number = getattr(system, "errno", None)
    if isinstance(number, int) and number > 0 and not isinstance(system, ssl.SSLError):
        return os.strerror(number)
    return (str(problem) or type(problem).__name__)[:200]
