"""A server whose latencies are known, in a process of its own, so that it disturbs nobody.

``python -m benchmarks.known_server PORT_PIPE SPEC`` is started by ``Server``; the
specification says how it answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

_ROOT = Path(__file__).resolve().parents[1]
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
_BODY = b'{"status":"ok"}'
_ERROR = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


@dataclass(slots=True)
class Server:
    """The server's process, as a context manager.

    ``latencies_ms`` are drawn from at random (seeded); every ``period_s`` it stalls, wholly,
    for ``stall_s``, the first time ``first_s`` after its start; a share of
    ``errors`` of the requests is answered 503.
    """

    latencies_ms: tuple[float, ...] = (10.0,)
    stall_s: float = 0.0
    period_s: float = 20.0
    first_s: float = 5.0
    errors: float = 0.0
    seed: int = 1
    url: str = field(default="", init=False)
    _process: subprocess.Popen[str] | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        spec = {
            name: getattr(self, name)
            for name in ("latencies_ms", "stall_s", "period_s", "first_s", "errors", "seed")
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.known_server", json.dumps(spec)],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> list[tuple[float, float]]:
        """End the process; the stalls that it made, from and to, on the monotonic clock."""
        assert self._process is not None
        if self._process.returncode is not None:
            return []
        out, _ = self._process.communicate("", timeout=30)
        stalls = json.loads(out.strip().splitlines()[-1])
        return [(float(begun), float(over)) for begun, over in stalls]


class _Answering(asyncio.Protocol):
    """Answers each request of a kept-alive connection after a drawn latency."""

    def __init__(self, spec: Server, draw: random.Random) -> None:
        self._spec, self._draw = spec, draw
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for _ in range(data.count(b"\r\n\r\n")):
            latency_ms = self._draw.choice(self._spec.latencies_ms)
            is_error = self._draw.random() < self._spec.errors
            answer = _ERROR if is_error else _OK + _BODY
            asyncio.get_running_loop().call_later(latency_ms / 1000, self._answer, answer)

    def _answer(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


async def _serve(spec: Server) -> None:
    loop = asyncio.get_running_loop()
    draw = random.Random(spec.seed)
    server = await loop.create_server(lambda: _Answering(spec, draw), "127.0.0.1", 0, backlog=4096)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}/health", flush=True)
    stalls: list[tuple[float, float]] = []
    stalling = asyncio.create_task(_stall(spec, stalls)) if spec.stall_s else None
    await loop.run_in_executor(None, sys.stdin.read)
    if stalling is not None:
        stalling.cancel()
    print(json.dumps(stalls), flush=True)


async def _stall(spec: Server, stalls: list[tuple[float, float]]) -> None:
    await asyncio.sleep(spec.first_s)
    while True:
        begun = time.monotonic()
        time.sleep(spec.stall_s)  # noqa: ASYNC251 - the whole point: nothing is served meanwhile
        stalls.append((begun, time.monotonic()))
        await asyncio.sleep(spec.period_s - spec.stall_s)


if __name__ == "__main__":
    # What it is known for must not depend on what else the machine does. Root may.
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    asyncio.run(_serve(Server(**json.loads(sys.argv[1]))))
