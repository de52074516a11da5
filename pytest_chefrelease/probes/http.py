"""HTTP: one shared client that only reads, with every wait and every size bounded.

httpx is imported here and nowhere else.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from pytest_chefrelease import __version__
from pytest_chefrelease.errors import Malformed, NoAnswer, NotConfigured
from pytest_chefrelease.probes.http_answer import Answer, BoundedBody
from pytest_chefrelease.probes.http_failures import classify, without_credentials

if TYPE_CHECKING:
    import httpx

__all__ = ["Answer", "HttpProbe", "trust"]

_READING = ("GET", "HEAD", "OPTIONS")
_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_REDIRECTS = 10
_MAX_HEADER_CHARS = 8_192

# Sent on to another host; everything else may be a credential.
_HARMLESS = {"accept", "accept-language", "user-agent", "origin", "cache-control"}

# Shorter than the 5 s after which Node's server closes an idle connection, so that a watch
# at that interval does not race with it.
_KEEP_ALIVE_S = 2.0


class _Bounds(Struct, frozen=True):
    timeout_s: float
    max_body_bytes: int


@dataclass(slots=True)
class HttpProbe:
    """Reads over HTTP, HTTP/2 where it is offered, IPv4 and IPv6.

    ``timeout_s`` bounds a whole answer, body included, but not the wait for a free place
    under ``max_per_host``; ``max_body_bytes`` bounds the decoded body; ``ca_file`` is a PEM
    file of authorities trusted besides the public ones. Cookies are never kept. Without
    ``keeps_connections`` each request has a connection of its own, so that whoever spreads
    connections over instances may choose another one.
    """

    timeout_s: float = 10.0
    max_per_host: int = 20
    max_body_bytes: int = 2_000_000
    ca_file: str | None = None
    keeps_connections: bool = True
    _client: httpx.AsyncClient | None = None
    _places: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        follow: bool = False,
    ) -> Answer:
        """``request("GET", ...)``."""
        return await self.request("GET", url, headers=headers, timeout_s=timeout_s, follow=follow)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float | None = None,
        follow: bool = False,
        login_probe: bool = False,
        max_body_bytes: int | None = None,
    ) -> Answer:
        """Send one request and read its answer; with ``follow``, after redirects.

        ``timeout_s`` and ``max_body_bytes`` replace the probe's own for this one.

        Only GET, HEAD and OPTIONS are sent, and POST where the caller says that it is one of
        the runbook's ``login_probe`` (DESIGN.md section 7); anything else is a ValueError.
        Raises Unreachable, NoAnswer or Malformed, each with one clear line.
        """
        allowed = (*_READING, "POST") if login_probe else _READING
        if method not in allowed or (follow and method == "POST"):
            raise ValueError(f"{method} is not sent by a verification that only reads")
        if not _is_web_address(url):
            raise _no_web_address(f"{without_credentials(url)!r} is no web address", "")
        sent = {k.lower(): v for k, v in (headers or {}).items()}
        bounds = _Bounds(timeout_s or self.timeout_s, max_body_bytes or self.max_body_bytes)
        answer = await self._once(method, url, sent, body, bounds)
        visited = [answer.url]
        while follow and answer.status in _REDIRECTS and "location" in answer.headers:
            target = _next_address(answer, visited)
            sent = _headers_for(target, answer.url, sent)
            answer = await self._once(method, target, sent, None, bounds)
            visited.append(answer.url)
        return replace(answer, visited=tuple(visited[:-1]))

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    async def _once(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, bounds: _Bounds
    ) -> Answer:
        import httpx

        client = self._ready_client()
        where = f"{method} {without_credentials(url)}"
        async with self._place(url):
            try:
                async with asyncio.timeout(bounds.timeout_s):
                    return await _exchange(client, method, url, headers, body, bounds)
            except TimeoutError:
                raise NoAnswer(
                    f"no answer in {bounds.timeout_s:g} s",
                    where=where,
                    remedy="Find what is slow there, or raise http.timeout.",
                ) from None
            except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
                raise classify(error, url) from None

    def _place(self, url: str) -> asyncio.Semaphore:
        key = _origin(url)
        if key not in self._places:
            self._places[key] = asyncio.Semaphore(self.max_per_host)
        return self._places[key]

    def _ready_client(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx

            self._client = httpx.AsyncClient(
                http2=self.keeps_connections,
                verify=trust(self.ca_file),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                limits=httpx.Limits(
                    max_connections=None,
                    max_keepalive_connections=self.max_per_host if self.keeps_connections else 0,
                    keepalive_expiry=_KEEP_ALIVE_S,
                ),
                event_hooks={"response": [_keep_location]},
                # What is on this machine is not reached through a proxy.
                mounts=dict.fromkeys(("all://localhost", "all://127.0.0.1", "all://[::1]")),
                headers={
                    "user-agent": f"chefrelease/{__version__}",
                    "accept": "*/*",
                    "accept-encoding": "gzip, deflate",
                },
            )
        return self._client


def trust(ca_file: str | None) -> ssl.SSLContext:
    """What certificates are verified with: the public authorities, and those of a PEM file.

    Raises NotConfigured where the file holds no readable certificate.
    """
    import httpx

    context = httpx.create_ssl_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError):
            raise NotConfigured(
                f"{ca_file} holds no readable certificate",
                expected="a PEM file of certificate authorities",
                remedy="Correct http.ca_file in release.toml.",
            ) from None
    return context


async def _exchange(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    bounds: _Bounds,
) -> Answer:
    import httpx

    started = time.perf_counter()
    connect_s = min(5.0, 0.8 * bounds.timeout_s)
    request = client.build_request(
        method,
        url,
        headers=dict(headers),
        content=body,
        timeout=httpx.Timeout(None, connect=connect_s),
    )
    response = await client.send(request, stream=True)
    try:
        collected = BoundedBody(response.headers.get("content-encoding", ""), bounds.max_body_bytes)
        async for chunk in response.aiter_raw():
            if not collected.feed(chunk):
                break
    except ValueError as error:
        raise Malformed(
            f"the body does not decompress ({error})",
            where=f"{method} {without_credentials(url)}",
            remedy="Check what compresses answers there: the application or its proxy.",
        ) from None
    finally:
        await response.aclose()
    told = {k.lower(): v[:_MAX_HEADER_CHARS] for k, v in response.headers.items()}
    return Answer(
        url=without_credentials(str(response.url)),
        status=response.status_code,
        headers=told | response.extensions.get("location", {}),
        body=collected.bytes(),
        elapsed_ms=(time.perf_counter() - started) * 1000,
        http_version=response.http_version,
        observed_at=datetime.now(UTC),
        is_truncated=collected.is_truncated,
        cookies=tuple(v[:_MAX_HEADER_CHARS] for v in response.headers.get_list("set-cookie")),
    )


async def _keep_location(response: httpx.Response) -> None:
    """Put Location out of httpx's sight: it fails on odd ones even when it does not follow."""
    if "location" in response.headers:
        kept = response.headers["location"][:_MAX_HEADER_CHARS]
        response.extensions["location"] = {"location": kept}
        del response.headers["location"]


def _next_address(answer: Answer, visited: list[str]) -> str:
    """Where a redirect leads. Raises Malformed on a loop, or on what is no web address."""
    location = answer.headers["location"].strip()
    try:
        target = urljoin(answer.url, location).partition("#")[0]
    except ValueError:
        target = ""
    if not _is_web_address(target):
        raise _no_web_address(f"redirect to {location[:200]!r}, no web address", answer.url)
    if target in visited or len(visited) > _MAX_REDIRECTS:
        path = " → ".join([*visited[-3:], target])
        kind = "a redirect loop" if target in visited else f"over {_MAX_REDIRECTS} redirects"
        raise Malformed(f"{kind}: {path}", where=visited[0], remedy="Correct the redirects.")
    return target


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    is_clean = not any(c.isspace() or ord(c) < 32 for c in url)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and is_clean


def _no_web_address(seen: str, where: str) -> Malformed:
    return Malformed(
        seen,
        expected="http:// or https://, a host, and a port up to 65535",
        where=where,
        remedy="Correct the address.",
    )


def _headers_for(target: str, source: str, headers: Mapping[str, str]) -> dict[str, str]:
    """What may be sent on: all to the same host, only harmless headers elsewhere."""
    before, after = urlsplit(source), urlsplit(target)
    is_upgrade = (before.scheme, after.scheme) == ("http", "https") and (
        before.port in (None, 80) and after.port in (None, 443)
    )
    if _origin(source) == _origin(target) or (before.hostname == after.hostname and is_upgrade):
        return dict(headers)
    return {k: v for k, v in headers.items() if k in _HARMLESS}


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return url
    return f"{parts.scheme}://{parts.hostname}:{port}"
