"""The HTTP client against real servers on loopback, well-behaved and hostile."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pytest_chefrelease.errors import Malformed, NoAnswer, NotConfigured, ProbeError, Unreachable
from pytest_chefrelease.probes.http import Answer, HttpProbe
from tests.probes.loopback import (
    Authority,
    Request,
    Site,
    always,
    answer,
    babbling,
    serving,
    serving_http2,
)

MIB = 1024 * 1024


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path)


def ask(
    url: str | Callable[[HttpProbe], Awaitable[Answer]], probe: HttpProbe | None = None
) -> Answer:
    """One request by a probe that is closed afterwards."""

    async def go() -> Answer:
        used = probe or HttpProbe(timeout_s=2)
        try:
            return await (used.get(url) if isinstance(url, str) else url(used))
        finally:
            await used.close()

    return asyncio.run(go())


def ask_server(
    reply: Callable[[Request, asyncio.StreamWriter], Awaitable[None]],
    probe: HttpProbe | None = None,
    *,
    path: str = "/health",
    follow: bool = False,
) -> tuple[Answer, Site]:
    """One GET to a server that is there for its time."""

    async def go() -> tuple[Answer, Site]:
        used = probe or HttpProbe(timeout_s=2)
        async with serving(reply) as site:
            try:
                return await used.get(site.url + path, follow=follow), site
            finally:
                await used.close()

    return asyncio.run(go())


# --- an answer


def test_an_answer_holds_what_came_and_when() -> None:
    raw = answer(201, '{"a": 1}', {"X-Request-Id": "abc", "content-type": "application/json"})

    got, site = ask_server(always(raw))

    assert (got.status, got.json(), got.http_version) == (201, {"a": 1}, "HTTP/1.1")
    assert got.headers["x-request-id"] == "abc"
    assert got.url == f"{site.url}/health"
    assert 0 < got.elapsed_ms < 2000
    assert not got.is_truncated
    assert got.observed_at.tzinfo is not None
    assert site.requests[0].headers["user-agent"].startswith("chefrelease/")


def test_http2_is_spoken_where_it_is_offered(authority: Authority) -> None:
    async def go() -> Answer:
        probe = HttpProbe(timeout_s=2, ca_file=str(authority.pem))
        async with serving_http2(authority.server()) as url:
            got = await probe.get(url)
            await probe.close()
            return got

    got = asyncio.run(go())

    assert (got.http_version, got.text()) == ("HTTP/2", "hello")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_host_of_one_address_family_is_reached(host: str) -> None:
    async def go() -> Answer:
        async with serving(always(answer(200, "here")), host=host) as site:
            probe = HttpProbe(timeout_s=2)
            got = await probe.get(site.url)
            await probe.close()
            return got

    assert asyncio.run(go()).text() == "here"


def test_a_gzipped_body_is_read() -> None:
    raw = answer(200, gzip.compress(b"hello"), {"content-encoding": "gzip"})

    assert ask_server(always(raw))[0].text() == "hello"


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain; charset=iso-8859-1", "für".encode("latin-1"), "für"),
        ("text/plain; charset=no-such-charset", "für".encode(), "für"),
        ("text/plain; charset=base64", "für".encode(), "für"),
        ("text/plain", b"f\xfcr", "f�r"),
        ("text/plain; charset=utf-16", b"f", "�"),
    ],
)
def test_text_is_decoded_tolerantly(content_type: str, body: bytes, text: str) -> None:
    got, _ = ask_server(always(answer(200, body, {"content-type": content_type})))

    assert got.text() == text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<!DOCTYPE html><title>Sign in</title>", "an HTML page instead of JSON"),
        ("", "the body is empty"),
        ("[" * 100_000, "instead of JSON"),
        ("{", "instead of JSON: '{'"),
        ('{"n": NaN}', "instead of JSON"),
        ('{"n": -Infinity}', "instead of JSON"),
        ("9" * 5_000, "instead of JSON"),
    ],
)
def test_what_is_no_json_is_named(body: str, said: str) -> None:
    got, _ = ask_server(always(answer(200, body)))

    with pytest.raises(Malformed, match=said):
        got.json()


def test_json_with_a_byte_order_mark_is_read() -> None:
    got, _ = ask_server(always(answer(200, b'\xef\xbb\xbf{"a": 1}')))

    assert got.json() == {"a": 1}


def test_half_a_character_in_json_is_read_as_unknown() -> None:
    body = r'{"cut \ud83d": ["\ud83d\ude00 \udE00", 1], "pair": "\ud83d\ude00", "none": "\\ud800"}'

    got, _ = ask_server(always(answer(200, body)))

    assert got.json() == {
        "cut \ufffd": ["\U0001f600 \ufffd", 1],
        "pair": "\U0001f600",
        "none": "\\ud800",
    }


# --- bounds


def test_a_body_of_200_mb_is_cut_and_its_rest_is_not_fetched() -> None:
    async def flood(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 209715200\r\n\r\n")
        for sent in range(200):
            writer.write(b"x" * MIB)
            await writer.drain()
            fetched.append(sent)
        await writer.drain()

    fetched: list[int] = []
    got, _ = ask_server(flood, HttpProbe(timeout_s=5, max_body_bytes=MIB))

    assert (len(got.body), got.is_truncated) == (MIB, True)
    assert len(fetched) < 20


def test_a_gzip_bomb_unpacks_no_further_than_the_limit() -> None:
    packer = zlib.compressobj(1, wbits=31)
    zeros = b"\0" * MIB
    bomb = b"".join(packer.compress(zeros) for _ in range(128)) + packer.flush()

    tracemalloc.start()
    raw = answer(200, bomb, {"content-encoding": "gzip"})
    got, _ = ask_server(always(raw), HttpProbe(timeout_s=5, max_body_bytes=MIB))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (len(got.body), got.is_truncated) == (MIB, True)
    assert peak < 12 * MIB


def test_a_truncated_body_is_no_json() -> None:
    got, _ = ask_server(always(answer(200, "[1, 2]")), HttpProbe(timeout_s=2, max_body_bytes=3))

    with pytest.raises(Malformed, match="longer than 3 bytes"):
        got.json()


def test_what_is_said_to_be_gzip_and_is_not_is_malformed() -> None:
    with pytest.raises(Malformed, match="does not decompress"):
        ask_server(always(answer(200, b"plain", {"content-encoding": "gzip"})))


def test_a_flood_of_headers_is_malformed() -> None:
    flood = "".join(f"x-{n}: {'y' * 1000}\r\n" for n in range(1000))
    raw = f"HTTP/1.1 200 OK\r\n{flood}content-length: 0\r\n\r\n".encode()

    with pytest.raises(ProbeError) as caught:
        ask_server(always(raw))

    assert isinstance(caught.value, Malformed | NoAnswer)


def test_one_host_gets_no_more_requests_at_once_than_allowed() -> None:
    async def slow(_request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        writer.write(answer())

    async def go() -> Site:
        probe = HttpProbe(timeout_s=2, max_per_host=3)
        async with serving(slow) as site:
            await asyncio.gather(*(probe.get(f"{site.url}/{n}") for n in range(12)))
            await probe.close()
            return site

    site = asyncio.run(go())

    assert (len(site.requests), site.most_at_once) == (12, 3)


def test_waiting_for_a_free_place_does_not_count_as_slowness() -> None:
    async def slow(_request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        writer.write(answer())

    async def go() -> list[Answer]:
        probe = HttpProbe(timeout_s=0.25, max_per_host=1)
        async with serving(slow) as site:
            got = await asyncio.gather(*(probe.get(site.url) for _ in range(4)))
            await probe.close()
            return got

    assert all(got.elapsed_ms < 250 for got in asyncio.run(go()))


# --- no answer


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"^the name chefrelease\.invalid does not resolve$"):
        ask("http://chefrelease.invalid/health")


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        with pytest.raises(Unreachable, match="refused the connection") as caught:
            ask(f"http://127.0.0.1:{port}/")

    assert caught.value.where == f"http://127.0.0.1:{port}/"
    assert "service runs" in caught.value.remedy


def test_silence_ends_at_the_time_limit() -> None:
    async def silent(_request: Request, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    started = time.monotonic()
    with pytest.raises(NoAnswer, match=r"^no answer in 0\.2 s$"):
        ask_server(silent, HttpProbe(timeout_s=0.2))

    assert time.monotonic() - started < 1.5


def test_a_body_that_drips_for_ever_ends_at_the_time_limit() -> None:
    async def drip(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.02)

    with pytest.raises(NoAnswer, match=r"no answer in 0\.3 s"):
        ask_server(drip, HttpProbe(timeout_s=0.3))


def test_a_chunked_body_that_stops_is_no_answer() -> None:
    async def stop(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
        writer.close()

    with pytest.raises(NoAnswer, match="ended before the answer was complete"):
        ask_server(stop)


def test_a_connection_that_is_cut_is_no_answer() -> None:
    async def cut(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    with pytest.raises(NoAnswer, match=r"cut the connection|ended before"):
        ask_server(cut)


def test_another_protocol_is_malformed() -> None:
    with pytest.raises(Malformed, match="does not keep to HTTP"):
        ask_server(always(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"))


def test_a_reset_http2_stream_is_a_probe_error(authority: Authority) -> None:
    async def go() -> None:
        probe = HttpProbe(timeout_s=2, ca_file=str(authority.pem))
        async with serving_http2(authority.server(), resets=True) as url:
            try:
                await probe.get(url)
            finally:
                await probe.close()

    with pytest.raises(ProbeError, match=r"reset|ended|keep to HTTP"):
        asyncio.run(go())


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1/x", "ftp://127.0.0.1/", "http:///x", "http://127.0.0.1:99999/", "http://a b/"],
)
def test_what_is_no_web_address_is_named(url: str) -> None:
    with pytest.raises(Malformed, match="is no web address"):
        ask(url)


def test_user_and_password_of_an_address_are_not_repeated() -> None:
    with pytest.raises(Unreachable) as caught:
        ask("http://user:hunter2@127.0.0.1:9/")

    assert "hunter2" not in repr(vars(caught.value))


# --- TLS


def tls_failure(authority: Authority, name: str = "127.0.0.1", **server: object) -> Unreachable:
    async def go() -> None:
        probe = HttpProbe(timeout_s=2, ca_file=str(authority.pem))
        context = authority.server(name, **server)  # type: ignore[arg-type]
        async with serving(always(answer()), tls=context) as site:
            try:
                await probe.get(site.url)
            finally:
                await probe.close()

    with pytest.raises(Unreachable) as caught:
        asyncio.run(go())
    return caught.value


def test_a_certificate_of_a_configured_authority_is_trusted(authority: Authority) -> None:
    async def go() -> Answer:
        probe = HttpProbe(timeout_s=2, ca_file=str(authority.pem))
        async with serving(always(answer(200, "safe")), tls=authority.server()) as site:
            got = await probe.get(site.url)
            await probe.close()
            return got

    assert asyncio.run(go()).text() == "safe"


def test_an_expired_certificate_is_named(authority: Authority) -> None:
    failure = tls_failure(authority, valid_days=-3)

    assert failure.seen == "the TLS certificate has expired"
    assert failure.remedy == "Renew the certificate."


def test_a_certificate_for_another_name_is_named(authority: Authority) -> None:
    assert "not for the address 127.0.0.1" in tls_failure(authority, "api.example").seen


def test_a_self_signed_certificate_is_named(authority: Authority) -> None:
    assert "is self-signed" in tls_failure(authority, is_self_signed=True).seen


def test_plain_http_at_a_tls_address_is_named() -> None:
    async def go() -> None:
        probe = HttpProbe(timeout_s=2)
        async with babbling(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
            try:
                await probe.get(f"https://{address}/")
            finally:
                await probe.close()

    with pytest.raises(Unreachable, match=r"does not speak TLS"):
        asyncio.run(go())


def test_an_unreadable_authority_file_is_a_mistake_in_settings(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="holds no readable certificate"):
        ask("https://127.0.0.1:9/", HttpProbe(ca_file=str(tmp_path / "missing.pem")))


# --- redirects


def redirecting(
    paths: dict[str, str],
) -> Callable[[Request, asyncio.StreamWriter], Awaitable[None]]:
    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        target = paths.get(request.path)
        writer.write(
            answer(200, "arrived") if target is None else answer(302, "", {"location": target})
        )

    return reply


def test_a_redirect_is_an_answer_unless_it_is_followed() -> None:
    got, site = ask_server(redirecting({"/health": "/login"}))

    assert (got.status, got.headers["location"], len(site.requests)) == (302, "/login", 1)


def test_an_odd_redirect_is_an_answer_where_it_is_not_followed() -> None:
    got, _ = ask_server(redirecting({"/health": "javascript:alert(1)"}))

    assert (got.status, got.headers["location"]) == (302, "javascript:alert(1)")


def test_a_followed_redirect_tells_its_way() -> None:
    got, site = ask_server(redirecting({"/health": "a", "/a": "/b"}), follow=True)

    assert (got.text(), got.url) == ("arrived", f"{site.url}/b")
    assert got.visited == (f"{site.url}/health", f"{site.url}/a")


def test_a_redirect_loop_is_told_with_its_way() -> None:
    with pytest.raises(Malformed, match=r"a redirect loop: .*/health → .*/a → .*/health"):
        ask_server(redirecting({"/health": "/a", "/a": "/health"}), follow=True)


def test_an_endless_row_of_redirects_is_bounded() -> None:
    async def onward(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(302, "", {"location": f"{request.path}x"}))

    with pytest.raises(Malformed, match="over 10 redirects"):
        ask_server(onward, follow=True)


@pytest.mark.parametrize(
    "target", ["ftp://127.0.0.1/", "http://[", "javascript:alert(1)", "http://h:99999/"]
)
def test_a_redirect_to_no_web_address_is_not_followed(target: str) -> None:
    with pytest.raises(Malformed, match="no web address"):
        ask_server(redirecting({"/health": target}), follow=True)


CREDENTIALS = {"Authorization": "Bearer t0ken", "Cookie": "session=1", "X-Api-Key": "k"}


def test_credentials_stay_with_their_host_in_a_redirect() -> None:
    async def go() -> tuple[Site, Site]:
        probe = HttpProbe(timeout_s=2)
        async with serving(always(answer())) as other:
            paths = {"/health": "/again", "/again": f"{other.url}/elsewhere"}
            async with serving(redirecting(paths)) as site:
                await probe.request(
                    "GET",
                    f"{site.url}/health",
                    headers=CREDENTIALS | {"Accept": "text/html"},
                    follow=True,
                )
                await probe.close()
                return site, other

    site, other = asyncio.run(go())

    assert [r.headers["authorization"] for r in site.requests] == ["Bearer t0ken"] * 2
    assert other.requests[0].headers["accept"] == "text/html"
    assert not {"authorization", "cookie", "x-api-key"} & other.requests[0].headers.keys()


def test_cookies_are_told_and_not_kept() -> None:
    async def go() -> tuple[Answer, Site]:
        probe = HttpProbe(timeout_s=2)
        async with serving(always(answer(200, "", {"Set-Cookie": "a=1; Path=/"}))) as site:
            got = await probe.get(site.url)
            await probe.get(site.url)
            await probe.close()
            return got, site

    got, site = asyncio.run(go())

    assert got.cookies == ("a=1; Path=/",)
    assert "cookie" not in site.requests[1].headers


# --- only reading


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "get"])
def test_a_method_that_does_not_read_is_never_sent(method: str) -> None:
    with pytest.raises(ValueError, match="only reads"):
        ask(lambda probe: probe.request(method, "http://127.0.0.1:9/"))


def test_a_login_probe_may_post() -> None:
    async def go() -> Site:
        probe = HttpProbe(timeout_s=2)
        async with serving(always(answer(401))) as site:
            await probe.request("POST", f"{site.url}/auth/login", body=b"{}", login_probe=True)
            await probe.close()
            return site

    sent = asyncio.run(go()).requests[0]

    assert (sent.method, sent.path, sent.body) == ("POST", "/auth/login", b"{}")


def test_a_login_probe_never_follows_redirects() -> None:
    with pytest.raises(ValueError, match="only reads"):
        ask(
            lambda probe: probe.request(
                "POST", "http://127.0.0.1:9/", login_probe=True, follow=True
            )
        )
