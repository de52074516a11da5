"""A double of Redis: of its protocol what a health check says, AUTH, PING, INFO and the like.

Source: redis.io, "Redis serialization protocol specification" (RESP2), AUTH, INFO.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping

from msgspec import Struct

from pytest_chefrelease.rehearsal.intercept import Intercept, Json
from pytest_chefrelease.rehearsal.listener import bound_to
from pytest_chefrelease.rehearsal.site import changed

_MOST_BYTES = 10_000
_RUN_ID = "5f1d3c0a9b7e4826a1c4d0e2f6b8937c5d2e1f40"


class State(Struct, frozen=True):
    """Its memory in bytes, and how many keys it evicts in a second."""

    used_bytes: int = 4_200_000
    limit_bytes: int = 100_000_000
    evicted_per_s: float = 0.0


class Redis:
    """Serves on a port that stays its own; state and life are controlled as a site's are."""

    name = "redis"

    def __init__(self, bound: socket.socket, password: str) -> None:
        self._socket: socket.socket | None = bound
        self._port: int = bound.getsockname()[1]
        self._password = password
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._started = time.monotonic()
        self._changed = self._started
        self.state = State()

    def change(self, fields: Mapping[str, Json]) -> None:
        """Set fields of ``State``; evictions count from now on."""
        self.state = changed(self.state, fields)
        self._changed = time.monotonic()

    def intercept(self, rule: Intercept) -> None:
        """There are no paths to answer otherwise."""
        raise KeyError(f"Redis has no {rule.path}")

    async def start(self) -> None:
        """Listen; one that listens already goes on."""
        if self._server is None:
            bound, self._socket = self._socket or bound_to(self._port), None
            self._server = await asyncio.start_server(self._serve, sock=bound)

    async def refuse(self) -> None:
        """Stop listening and cut the connections that are open."""
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._open):
                writer.close()
            self._server = None

    async def reset(self) -> None:
        """Serve again as at the start."""
        self.state = State()
        await self.start()

    async def stop(self) -> None:
        """End for good."""
        await self.refuse()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        is_known = False
        try:
            while words := await _command(reader):
                if words[0].upper() == "AUTH":
                    is_known = words[-1] == self._password
                writer.write(self._answer(words, is_known=is_known))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass  # whoever asked is gone, or speaks something else
        finally:
            self._open.discard(writer)
            writer.close()

    def _answer(self, words: list[str], *, is_known: bool) -> bytes:
        command = words[0].upper()
        if not is_known:
            said = "WRONGPASS invalid password" if command == "AUTH" else "NOAUTH is required."
            return f"-{said}\r\n".encode()
        if command == "PING":
            return b"+PONG\r\n"
        if command == "INFO":
            text = self._info().encode()
            return b"$%d\r\n%s\r\n" % (len(text), text)
        if command in ("AUTH", "SELECT", "CLIENT"):
            return b"+OK\r\n"
        return b"-ERR unknown command\r\n"

    def _info(self) -> str:
        now = time.monotonic()
        told: dict[str, str | int] = {
            "redis_version": "7.4.1",
            "run_id": _RUN_ID,
            "uptime_in_seconds": int(now - self._started) + 86_400,
            "used_memory": self.state.used_bytes,
            "maxmemory": self.state.limit_bytes,
            "maxmemory_policy": "volatile-lru",
            "total_system_memory": 8_000_000_000,
            "evicted_keys": int(self.state.evicted_per_s * (now - self._changed)),
            "role": "master",
        }
        return "".join(f"{name}:{value}\r\n" for name, value in told.items())


async def _command(reader: asyncio.StreamReader) -> list[str]:
    """The next command's words; none at the end. Raises ValueError for another protocol."""
    head = await reader.readline()
    if not head:
        return []
    return [await _word(reader) for _ in range(_count(head, b"*"))]


async def _word(reader: asyncio.StreamReader) -> str:
    length = _count(await reader.readline(), b"$")
    return (await reader.readexactly(length + 2))[:-2].decode(errors="replace")


def _count(line: bytes, mark: bytes) -> int:
    if not line.startswith(mark) or not 0 < int(line[1:]) <= _MOST_BYTES:
        raise ValueError("this is no command of Redis' protocol")
    return int(line[1:])
