"""Real servers on loopback that answer byte for byte what a test gives them, and certificates."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import h2.config
import h2.connection
import h2.events
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Request:
    """One request as it arrived; ``headers`` in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Site:
    """A running server: its address, and what was asked of it."""

    url: str
    requests: list[Request] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    sent_bytes: int = 0


Reply = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(
    status: int = 200, body: bytes | str = b"", headers: dict[str, str] | None = None
) -> bytes:
    """A whole HTTP/1.1 answer; the connection stays open."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content


def always(raw: bytes) -> Reply:
    """Answers each request with these bytes."""

    async def reply(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    return reply


@asynccontextmanager
async def serving(
    reply: Reply, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Site]:
    """An HTTP/1.1 server on a free port for the time of the block."""
    site = Site("")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            request = await _read(reader)
            site.requests.append(request)
            site.at_once += 1
            site.most_at_once = max(site.most_at_once, site.at_once)
            try:
                await reply(request, writer)
                await writer.drain()
            finally:
                site.at_once -= 1

    async with _listening(talk, host, tls) as port:
        name = f"[{host}]" if ":" in host else host
        site.url = f"{'https' if tls else 'http'}://{name}:{port}"
        yield site


@asynccontextmanager
async def _listening(talk: Talk, host: str, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    """The port of a server that ends its connections with the block."""
    conversations: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await talk(reader, writer)
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()
        except asyncio.CancelledError:  # the block has ended
            writer.transport.abort()
        finally:
            conversations.discard(task)

    server = await asyncio.start_server(connected, host, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(conversations):
            task.cancel()
        await asyncio.sleep(0.01)


@asynccontextmanager
async def babbling(raw: bytes) -> AsyncIterator[str]:
    """The address (host and port) of a server that says ``raw`` to whatever it hears."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(raw)
        await writer.drain()

    async with _listening(talk, "127.0.0.1", None) as port:
        yield f"127.0.0.1:{port}"


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)


@asynccontextmanager
async def serving_http2(tls: ssl.SSLContext, *, resets: bool = False) -> AsyncIterator[str]:
    """An HTTP/2 server that answers ``hello``, or resets each stream."""
    tls.set_alpn_protocols(["h2"])

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        machine = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        machine.initiate_connection()
        writer.write(machine.data_to_send())
        while data := await reader.read(65_536):
            for event in machine.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    _answer_stream(machine, event.stream_id, resets=resets)
            writer.write(machine.data_to_send())
            await writer.drain()

    async with _listening(talk, "127.0.0.1", tls) as port:
        yield f"https://127.0.0.1:{port}"


def _answer_stream(
    machine: h2.connection.H2Connection, stream: int | None, *, resets: bool
) -> None:
    assert stream is not None
    if resets:
        machine.reset_stream(stream)
        return
    machine.send_headers(stream, [(":status", "200"), ("content-type", "text/plain")])
    machine.send_data(stream, b"hello", end_stream=True)


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the test's own; ``pem`` is what a client has to trust."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, folder: Path) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _named("Test authority")
        certificate = (
            _certificate(name, name, key, valid_days=30)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        authority = cls(folder, key, certificate)
        authority.pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return authority

    @property
    def pem(self) -> Path:
        return self.folder / "authority.pem"

    def server(
        self, name: str = "127.0.0.1", *, valid_days: int = 30, is_self_signed: bool = False
    ) -> ssl.SSLContext:
        """What a server of that name needs; a negative ``valid_days`` makes it expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _named(name)
        issuer = subject if is_self_signed else self.certificate.subject
        certificate = (
            _certificate(subject, issuer, key, valid_days=valid_days)
            .add_extension(x509.SubjectAlternativeName([_alternative(name)]), critical=False)
            .sign(key if is_self_signed else self.key, hashes.SHA256())
        )
        path = self.folder / f"{certificate.serial_number}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path)
        return context


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    valid_days: int,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=valid_days))
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
