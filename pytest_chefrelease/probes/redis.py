"""Redis: whether it answers, and what it says of its memory. redis-py comes in here.

Sources: redis.io, PING and INFO; redis-py's documentation of URLs and errors.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct

from pytest_chefrelease.errors import (
    AccessDenied,
    Malformed,
    MissingExtra,
    NoAnswer,
    NotConfigured,
    ProbeError,
    Unreachable,
)

if TYPE_CHECKING:
    from redis.asyncio import Redis

_NAME = "chefrelease"
_SCHEMES = ("redis", "rediss", "unix")


class Refused(Unreachable):
    """The machine answers, and nobody listens on that port."""


class Memory(Struct, frozen=True):
    """What INFO tells: bytes, and how many keys were thrown out since the server started.

    ``limit_bytes`` is maxmemory, None where none is set; then ``system_bytes`` is all there is.
    """

    used_bytes: int
    limit_bytes: int | None
    system_bytes: int | None
    policy: str
    evicted_keys: int


class Pong(Struct, frozen=True):
    """One answer: how long PING took, the server's version and run, and its memory."""

    ping_ms: float
    version: str
    run_id: str
    uptime_s: int
    memory: Memory


@dataclass(frozen=True, slots=True)
class RedisProbe:
    """One server, over one connection for each look. The password is in no message.

    Raises ProbeErrors: MissingExtra, NotConfigured, Refused, Unreachable, NoAnswer,
    AccessDenied, Malformed.
    """

    url: str = field(repr=False)
    timeout_s: float = 5.0

    @property
    def where(self) -> str:
        """``cache.example:6379``: the address without user and password."""
        try:
            parts = urlsplit(self.url.strip())
            port = parts.port or 6379
        except ValueError:
            return "the address in the variable"
        if parts.scheme == "unix":
            return parts.path
        return f"{parts.hostname or 'localhost'}:{port}"

    async def look(self) -> Pong:
        """PING, then INFO."""
        client = self._client()
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._asked(client)
        except TimeoutError:
            raise self._silent() from None
        finally:
            await client.aclose()

    def _client(self) -> Redis:
        try:
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
        except ImportError:
            raise MissingExtra(
                "redis-py, which asks Redis, is not installed",
                remedy="pip install 'pytest-chefrelease[redis]'",
            ) from None
        if urlsplit(self.url.strip()).scheme not in _SCHEMES:
            raise self._unusable()
        try:
            return Redis.from_url(
                self.url.strip(),
                client_name=_NAME,
                # The protocol that every version and every managed service speaks.
                protocol=2,
                single_connection_client=True,
                socket_timeout=self.timeout_s,
                socket_connect_timeout=self.timeout_s,
                retry=Retry(NoBackoff(), 0),
            )
        except (ValueError, TypeError):
            # What the library says may hold a piece of the address.
            raise self._unusable() from None

    async def _asked(self, client: Redis) -> Pong:
        from redis import exceptions

        try:
            await client.initialize()
            began = time.perf_counter()
            await client.ping()
            ping_ms = (time.perf_counter() - began) * 1000
            told = await client.info()
        except exceptions.TimeoutError:
            raise self._silent() from None
        except exceptions.BusyLoadingError:
            loading = "Redis is loading its data and answers nothing yet"
            raise Refused(loading, where=self.where) from None
        except (exceptions.RedisError, OSError) as error:
            raise self._classified(error) from None
        return _pong(told, ping_ms, self.where)

    def _classified(self, error: Exception) -> ProbeError:
        """The error of our tree; the library's own words are kept only where the server spoke."""
        from redis import exceptions

        text = str(error)
        if isinstance(error, exceptions.NoPermissionError):
            return AccessDenied(
                "the user may not run PING and INFO",
                where=self.where,
                remedy="ACL SETUSER <user> +ping +info +client",
            )
        if isinstance(error, exceptions.AuthenticationError | exceptions.AuthorizationError) or (
            "NOAUTH" in text or "WRONGPASS" in text
        ):
            return AccessDenied(
                "Redis refuses the password",
                where=self.where,
                remedy="Correct the variable that environments.*.redis_env names.",
            )
        if isinstance(error, exceptions.ResponseError):
            return Malformed(f"Redis answers with an error: {text[:100]}", where=self.where)
        if _is_refusal(error):
            return Refused("Redis refused the connection", where=self.where)
        if isinstance(error, exceptions.InvalidResponse):
            return Malformed("what answers is no Redis", where=self.where)
        return Unreachable(
            "Redis cannot be reached",
            where=self.where,
            remedy="Look at the address, the network between, and TLS (rediss://).",
        )

    def _silent(self) -> NoAnswer:
        return NoAnswer(f"no answer from Redis in {self.timeout_s:g} s", where=self.where)

    def _unusable(self) -> NotConfigured:
        return NotConfigured(
            "Redis' URL is not usable",
            expected="redis://:PASSWORD@HOST:PORT/0, or rediss:// with TLS",
            remedy="Correct the variable that environments.*.redis_env names.",
        )


def _is_refusal(error: BaseException | None) -> bool:
    """Whether a refused connection is behind an error."""
    while error is not None:
        if isinstance(error, ConnectionRefusedError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _pong(told: object, ping_ms: float, where: str) -> Pong:
    """redis-py gives INFO's lines as a dictionary."""
    info: Mapping[str, object] = told if isinstance(told, dict) else {}
    used, run_id = _number(info.get("used_memory")), str(info.get("run_id", ""))
    evicted = _number(info.get("evicted_keys"))
    if used is None or evicted is None:
        raise Malformed(
            "INFO tells nothing of memory and evictions",
            expected="used_memory and evicted_keys",
            where=where,
            remedy="Let the user read all of INFO.",
        )
    return Pong(
        ping_ms=ping_ms,
        version=str(info.get("redis_version", ""))[:40],
        run_id=run_id,
        uptime_s=_number(info.get("uptime_in_seconds")) or 0,
        memory=Memory(
            used_bytes=used,
            limit_bytes=_number(info.get("maxmemory")) or None,
            system_bytes=_number(info.get("total_system_memory")) or None,
            policy=str(info.get("maxmemory_policy", ""))[:40],
            evicted_keys=evicted,
        ),
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
