"""TLS: the certificate that a host presents, at every address of its name, and old versions.

The handshake is Python's own, with the trust of the HTTP client. Whether a server still
takes TLS 1.0 or 1.1 is asked with a hello of our own making: the OpenSSL here may be built
to refuse those, whatever the server does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

from pytest_chefrelease.errors import NoAnswer, ProbeError, Unreachable
from pytest_chefrelease.probes.http import trust
from pytest_chefrelease.probes.http_failures import causes, classify

_MOST_ADDRESSES = 8
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which Python does not name

_TLS_1_1 = 0x0302
_HANDSHAKE, _SERVER_HELLO = 22, 2
# What servers with TLS 1.0 and 1.1 know: ECDHE and RSA with AES-CBC, then 3DES.
_OLD_CIPHERS = (0xC013, 0xC014, 0xC009, 0xC00A, 0x0033, 0x0039, 0x002F, 0x0035, 0x000A)


class TlsReading(Struct, frozen=True):
    """What one address of a host presented.

    ``problem`` says why the chain or the name does not hold, with ``remedy``; ``names``,
    ``issuer`` and ``expires_at`` are those of the certificate where it could be read;
    ``version`` is what a modern client gets (``TLSv1.3``); ``accepts_old`` whether TLS 1.1
    or 1.0 is still taken.
    """

    host: str
    port: int
    address: str
    observed_at: datetime
    version: str | None = None
    expires_at: datetime | None = None
    names: tuple[str, ...] = ()
    issuer: str = ""
    problem: str = ""
    remedy: str = ""
    accepts_old: bool = False


class TlsProbe(Struct, frozen=True):
    """Reads certificates; ``timeout_s`` bounds each connection with its handshake."""

    timeout_s: float = 10.0
    ca_file: str | None = None

    async def read(self, host: str, port: int) -> tuple[TlsReading, ...]:
        """One reading for each address that can be reached.

        Raises Unreachable or NoAnswer where none can be.
        """
        addresses = await _addresses(host, port)
        found = await asyncio.gather(
            *(self._read_address(host, port, address) for address in addresses),
            return_exceptions=True,
        )
        errors = [each for each in found if isinstance(each, BaseException)]
        readings = tuple(each for each in found if isinstance(each, TlsReading))
        for error in errors:
            # One of several addresses may have no route from here, such as IPv6.
            if not readings or not isinstance(error, ProbeError):
                raise error
        return readings

    async def _read_address(self, host: str, port: int, address: str) -> TlsReading:
        seen = TlsReading(host, port, address, datetime.now(UTC))
        strict = trust(self.ca_file)
        try:
            version, certificate = await self._handshake(strict, seen)
        except _Refused as refused:
            version, certificate = await self._what_else(seen)
            problem, remedy = refused.error.seen, refused.error.remedy
        else:
            problem = remedy = ""
        return TlsReading(
            host,
            port,
            address,
            seen.observed_at,
            version=version,
            expires_at=_expiry(certificate),
            names=_names(certificate),
            issuer=_issuer(certificate),
            problem=problem,
            remedy=remedy,
            accepts_old=await self._accepts_old(seen),
        )

    async def _what_else(self, seen: TlsReading) -> tuple[str | None, Mapping[str, object]]:
        """The certificate of a handshake that was refused for its date or name only."""
        tolerant = trust(self.ca_file)
        tolerant.check_hostname = False
        tolerant.verify_flags |= _NO_CHECK_TIME
        try:
            return await self._handshake(tolerant, seen)
        except (_Refused, ProbeError):
            return None, {}

    async def _handshake(
        self, context: ssl.SSLContext, seen: TlsReading
    ) -> tuple[str | None, Mapping[str, object]]:
        where = f"https://{_shown(seen.host)}:{seen.port}"
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(self.timeout_s):
                _, writer = await asyncio.open_connection(seen.address, seen.port)
                await writer.start_tls(context, server_hostname=seen.host)
                inner = writer.get_extra_info("ssl_object")
                return inner.version(), inner.getpeercert() or {}
        except TimeoutError:
            raise NoAnswer(
                f"no TLS handshake in {self.timeout_s:g} s at {seen.address}",
                where=where,
                remedy="Check that the port speaks TLS and that no firewall holds it.",
            ) from None
        except (OSError, ssl.SSLError) as error:
            if writer is None:
                raise classify(error, where) from None
            raise _Refused(_why_refused(error, where)) from None
        finally:
            if writer is not None:
                await _close(writer)

    async def _accepts_old(self, seen: TlsReading) -> bool:
        try:
            async with asyncio.timeout(self.timeout_s):
                reader, writer = await asyncio.open_connection(seen.address, seen.port)
                try:
                    writer.write(_old_hello(seen.host))
                    start = await reader.readexactly(11)
                finally:
                    await _close(writer)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            return False  # an alert is shorter; closing without a word refuses as well
        kind, version = start[0], struct.unpack(">H", start[9:11])[0]
        return kind == _HANDSHAKE and start[5] == _SERVER_HELLO and version <= _TLS_1_1


class _Refused(Exception):
    """The handshake failed by TLS itself: what it says is about the host's TLS."""

    def __init__(self, error: ProbeError) -> None:
        super().__init__(error.seen)
        self.error = error


def _why_refused(error: Exception, where: str) -> ProbeError:
    if any(isinstance(cause, ssl.SSLError) for cause in causes(error)):
        return classify(error, where)
    return Unreachable(
        "the server ended the connection during the TLS handshake",
        where=where,
        remedy="Check the server's TLS versions (1.2 or newer) and its certificate.",
    )


async def _addresses(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(
            f"the name {host} does not resolve",
            where=f"https://{_shown(host)}:{port}",
            remedy="Check the spelling, and that DNS answers from here.",
        ) from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))[:_MOST_ADDRESSES]


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
        async with asyncio.timeout(1.0):  # some servers never say goodbye
            await writer.wait_closed()


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _expiry(certificate: Mapping[str, object]) -> datetime | None:
    told = certificate.get("notAfter")
    if not isinstance(told, str):
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(told), UTC)


def _names(certificate: Mapping[str, object]) -> tuple[str, ...]:
    told = certificate.get("subjectAltName", ())
    return tuple(str(pair[1])[:253] for pair in told) if isinstance(told, tuple) else ()


def _issuer(certificate: Mapping[str, object]) -> str:
    told = certificate.get("issuer", ())
    pairs = dict(pair for group in told for pair in group) if isinstance(told, tuple) else {}
    return str(pairs.get("organizationName") or pairs.get("commonName") or "")[:120]


def _old_hello(host: str) -> bytes:
    """A ClientHello that offers TLS 1.1 and 1.0 only (RFC 4346, 7.4.1.2; RFC 6066, 3)."""
    name = b"" if _is_address(host) else host.encode("idna")
    server_name = struct.pack(">HBH", len(name) + 3, 0, len(name)) + name
    extensions = b"".join(
        struct.pack(">HH", number, len(data)) + data
        for number, data in (
            *(((0, server_name),) if name else ()),
            (10, bytes.fromhex("0006001d00170018")),  # X25519, P-256, P-384
            (11, bytes.fromhex("0100")),  # points uncompressed
        )
    )
    ciphers = b"".join(struct.pack(">H", number) for number in _OLD_CIPHERS)
    body = (
        struct.pack(">H", _TLS_1_1)
        + os.urandom(32)
        + b"\0"  # no session
        + struct.pack(">H", len(ciphers))
        + ciphers
        + b"\1\0"  # no compression
        + struct.pack(">H", len(extensions))
        + extensions
    )
    handshake = b"\1" + struct.pack(">I", len(body))[1:] + body
    return struct.pack(">BHH", _HANDSHAKE, 0x0301, len(handshake)) + handshake


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
