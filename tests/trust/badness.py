"""Servers that give nothing usable: what a source can be instead of what it should be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Badness:
    """What every request of every kind gets; without an answer the port refuses.

    ``manner`` is how it is sent: ``whole``, or never (``silent``), a byte a second (``drip``), half
    of it and then closed (``cut``) or reset (``reset``), or as bytes of no protocol (``noise``).
    """

    name: str
    status: str = "200 OK"
    body: str = ""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_refused: bool = False
    manner: str = "whole"

    def __str__(self) -> str:
        return self.name

    def answer(self) -> bytes:
        body = self.body.encode()
        told = {
            "Content-Type": self.media_type,
            "Content-Length": str(len(body)),
            "Connection": "close",
            **self.headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        return f"HTTP/1.1 {self.status}\r\n{head}\r\n".encode() + body


_HTML = "<!doctype html><html><head><title>Welcome to nginx!</title></head><body>Hi</body></html>"
_OTHER = {"name": "another product", "message": "hello", "data": [{"id": 1}], "total": 1}
_LIMIT = {"Retry-After": "3600", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800"}

BAD = (
    Badness("unreachable", is_refused=True),
    Badness("empty"),
    Badness("empty-object", body="{}"),
    Badness("empty-list", body="[]"),
    Badness("missing", "404 Not Found", '{"message": "Not Found"}'),
    Badness("unauthorised", "401 Unauthorized", '{"message": "Bad credentials"}'),
    Badness("rate-limited", "429 Too Many Requests", '{"message": "slow"}', headers=_LIMIT),
    Badness("rate-limited-403", "403 Forbidden", '{"message": "rate limit"}', headers=_LIMIT),
    Badness("broken", "500 Internal Server Error", '{"message": "Internal Server Error"}'),
    Badness("malformed", body='{"status": "ok", "data": [{"id": 1'),
    Badness("foreign-page", body=_HTML, media_type="text/html; charset=utf-8"),
    Badness("foreign-document", body=json.dumps(_OTHER)),
)


_WELL = '{"status": "ok", "version": "1.5.0", "services": {"database": "up"}, "data": []}'
FAILING = tuple(
    Badness(manner, body=_WELL, manner=manner)
    for manner in ("silent", "drip", "cut", "reset", "noise")
)
"""Connections that fail on the way, whatever the system behind them would have said."""


async def _send(badness: Badness, writer: asyncio.StreamWriter) -> None:
    answer = badness.answer()
    if badness.manner == "whole":
        writer.write(answer)
    elif badness.manner == "noise":
        writer.write(bytes(n * 167 % 251 for n in range(4_096)))
    elif badness.manner in ("cut", "reset"):
        writer.write(answer[: len(answer) // 2])
    else:
        for byte in answer:
            if badness.manner == "drip":
                writer.write(bytes((byte,)))
            await asyncio.sleep(1)
    await writer.drain()
    if badness.manner == "reset":
        await asyncio.sleep(0.05)
        writer.transport.abort()


@dataclass(slots=True)
class Place:
    """A server's address, and how many connections came."""

    port: int
    asked: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def serving(badness: Badness) -> AsyncIterator[Place]:
    """One server that speaks HTTP to everybody, whatever they came for."""
    place = Place(0)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place.asked += 1
        try:
            await asyncio.wait_for(reader.read(65_536), 5)
            await _send(badness, writer)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # whoever asked is gone, or the test is over
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    place.port = server.sockets[0].getsockname()[1]
    if badness.is_refused:
        server.close()
        await server.wait_closed()
        yield place
        return
    async with server:
        yield place
