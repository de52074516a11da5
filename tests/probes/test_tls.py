"""The TLS probe against real servers with certificates of a test authority."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_chefrelease.errors import NoAnswer, NotConfigured, Unreachable
from pytest_chefrelease.probes.tls import TlsProbe, TlsReading
from tests.probes.loopback import Authority, always, answer, babbling, serving


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path)


def read(
    server: ssl.SSLContext | None, ca_file: Path | None, host: str = "127.0.0.1"
) -> tuple[TlsReading, ...]:
    """What a server with this context presents to a client that trusts ``ca_file``."""

    async def go() -> tuple[TlsReading, ...]:
        async with serving(always(answer()), tls=server) as site:
            port = int(site.url.rpartition(":")[2])
            return await TlsProbe(2, str(ca_file) if ca_file else None).read(host, port)

    return asyncio.run(go())


def test_a_good_certificate_is_read_with_its_names_and_end(authority: Authority) -> None:
    (reading,) = read(authority.server(valid_days=50), authority.pem)

    assert (reading.problem, reading.version, reading.names) == ("", "TLSv1.3", ("127.0.0.1",))
    assert reading.issuer == "Test authority"
    assert reading.expires_at is not None
    left = reading.expires_at - datetime.now(UTC)
    assert timedelta(days=49, hours=23) < left <= timedelta(days=50)
    assert not reading.accepts_old


def test_a_name_is_read_at_an_address_of_its_own(authority: Authority) -> None:
    (reading,) = [
        each
        for each in read(authority.server("localhost"), authority.pem, "localhost")
        if each.address == "127.0.0.1"
    ]

    assert (reading.problem, reading.names) == ("", ("localhost",))


def test_an_expired_certificate_is_named_with_its_date(authority: Authority) -> None:
    (reading,) = read(authority.server(valid_days=-3), authority.pem)

    assert reading.problem == "the TLS certificate has expired"
    assert reading.expires_at is not None
    assert (datetime.now(UTC) - reading.expires_at).days == 3


def test_a_certificate_for_another_name_is_named_with_its_names(authority: Authority) -> None:
    (reading,) = read(authority.server("other.example"), authority.pem)

    assert "not for the address 127.0.0.1" in reading.problem
    assert reading.names == ("other.example",)


@pytest.mark.parametrize(
    ("is_self_signed", "problem"),
    [(True, "self-signed"), (False, "issuer is unknown, or its chain is incomplete")],
)
def test_an_untrusted_chain_is_told(
    authority: Authority, *, is_self_signed: bool, problem: str
) -> None:
    (reading,) = read(authority.server(is_self_signed=is_self_signed), None)

    assert problem in reading.problem
    assert reading.expires_at is None
    assert reading.remedy


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("oldest", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_a_server_that_takes_old_versions_is_seen(
    authority: Authority, oldest: ssl.TLSVersion
) -> None:
    server = authority.server()
    server.minimum_version = oldest
    server.set_ciphers("ALL:@SECLEVEL=0")

    (reading,) = read(server, authority.pem)

    assert (reading.version, reading.accepts_old) == ("TLSv1.3", True)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_a_server_that_knows_only_old_versions_has_a_problem(authority: Authority) -> None:
    server = authority.server()
    server.minimum_version = ssl.TLSVersion.TLSv1
    server.maximum_version = ssl.TLSVersion.TLSv1_1
    server.set_ciphers("ALL:@SECLEVEL=0")

    (reading,) = read(server, authority.pem)

    assert reading.problem == "the server ended the connection during the TLS handshake"
    assert (reading.version, reading.accepts_old) == (None, True)


def test_a_server_of_tls_1_2_is_read_as_such(authority: Authority) -> None:
    server = authority.server()
    server.maximum_version = ssl.TLSVersion.TLSv1_2

    (reading,) = read(server, authority.pem)

    assert (reading.problem, reading.version, reading.accepts_old) == ("", "TLSv1.2", False)


def test_a_port_without_tls_is_a_problem_of_the_host() -> None:
    async def go() -> tuple[TlsReading, ...]:
        async with babbling(b"HTTP/1.1 400 Bad Request\r\n\r\n") as place:
            return await TlsProbe(2).read("127.0.0.1", int(place.rpartition(":")[2]))

    (reading,) = asyncio.run(go())

    assert reading.problem == "what listens there does not speak TLS"


def test_nobody_listening_is_unreachable() -> None:
    async def go() -> None:
        async with serving(always(b"")) as site:
            port = int(site.url.rpartition(":")[2])
        await TlsProbe(2).read("127.0.0.1", port)

    with pytest.raises(Unreachable, match="refused the connection"):
        asyncio.run(go())


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="does not resolve"):
        asyncio.run(TlsProbe(2).read("api.invalid", 443))


def test_a_server_that_stays_silent_ends_with_the_time_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and is silent
        began = time.monotonic()
        with pytest.raises(NoAnswer, match=r"no TLS handshake in 0\.3 s"):
            asyncio.run(TlsProbe(0.3).read("127.0.0.1", silent.getsockname()[1]))

    assert time.monotonic() - began < 3


def test_an_authority_file_that_is_none_is_not_configured(tmp_path: Path) -> None:
    wrong = tmp_path / "authority.pem"
    wrong.write_text("no certificate")

    with pytest.raises(NotConfigured, match="no readable certificate"):
        read(None, wrong)
