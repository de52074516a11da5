"""The prober's HTTP client: adds no wait of its own. aiohttp is imported here and nowhere else.

Its connections are kept alive and their number has no limit, for a limit would make the
client wait instead of the server. Redirects are not followed, bodies are read to their
end, as they were sent.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from dataclasses import dataclass
from types import SimpleNamespace, TracebackType
from typing import Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from msgspec import Struct
from yarl import URL

from pytest_chefrelease import __version__
from pytest_chefrelease.probes.http import trust


class Address(Struct, frozen=True):
    """Where to ask, parsed once: the address, and the environment's proxy on the way."""

    url: URL
    proxy: URL | None

    @classmethod
    def of(cls, url: str) -> Address:
        """What is on this machine needs no proxy."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        proxies = {} if host in ("localhost", "127.0.0.1", "::1") else getproxies()
        proxy = proxies.get(parts.scheme)
        used = URL(proxy) if proxy and not proxy_bypass(host) else None
        return cls(URL(url), used)


@dataclass(slots=True)
class Reply:
    """What became of a request; ``status`` is 0 without an answer, ``error`` empty if read.

    ``handed_at`` is when the client had a connection for it, or began to make one, on the
    loop's clock; None when it got not even so far.
    """

    status: int = 0
    error: str = ""
    retry_after: str = ""
    handed_at: float | None = None
    is_timeout: bool = False
    is_whole: bool = False


class Client:
    """As an async context manager; ``ca_file`` is trusted besides the public authorities.

    Reading the authorities takes a tenth of a second of processor time, so only where
    ``is_encrypted``.
    """

    def __init__(self, ca_file: str | None, *, is_encrypted: bool) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_connection_reuseconn.append(_on_handed)
        trace.on_connection_create_start.append(_on_handed)
        context = trust(ca_file) if is_encrypted else True
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context, ttl_dns_cache=300),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=None),
            trace_configs=[trace],
            headers={"User-Agent": f"chefrelease/{__version__} (prober)", "Accept": "*/*"},
        )

    async def __aenter__(self) -> Self:
        await self._session.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.__aexit__(kind, error, trace)

    async def get(self, address: Address, until: float, max_body_bytes: int) -> Reply:
        """GET and read the whole answer, ``until`` a time on the loop's clock."""
        reply = Reply()
        try:
            async with asyncio.timeout_at(until):
                await self._exchange(address, max_body_bytes, reply)
        except TimeoutError:
            reply.is_timeout = True
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            reply.error = _in_words(problem)
        return reply

    async def _exchange(self, address: Address, max_body_bytes: int, reply: Reply) -> None:
        asked = self._session.get(
            address.url, allow_redirects=False, proxy=address.proxy, trace_request_ctx=reply
        )
        async with asked as response:
            reply.status = response.status
            reply.retry_after = response.headers.get("Retry-After", "")[:40]
            size = 0
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > max_body_bytes:
                    reply.error = f"a body of more than {max_body_bytes} bytes"
                    return
            reply.is_whole = True


async def _on_handed(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: object
) -> None:
    reply = context.trace_request_ctx
    if reply.handed_at is None:
        reply.handed_at = asyncio.get_running_loop().time()


def _in_words(problem: Exception) -> str:
    """``Connection refused`` and the like; TLS and names that do not resolve as they say it."""
    system = getattr(problem, "os_error", problem)
    number = getattr(system, "errno", None)
    if isinstance(number, int) and number > 0 and not isinstance(system, ssl.SSLError):
        return os.strerror(number)
    return (str(problem) or type(problem).__name__)[:200]
