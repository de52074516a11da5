"""AWS on loopback: moto's server, and the variables with which AWS' tools reach it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

import pytest
from moto.server import ThreadedMotoServer


@contextmanager
def aws_server() -> Iterator[str]:
    """Its address, for the time of the block."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def point_at(address: str, given: pytest.MonkeyPatch) -> None:
    """Let AWS' tools reach the server, with credentials that it takes."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        given.delenv(name, raising=False)
    given.setenv("AWS_ENDPOINT_URL", address)
    given.setenv("AWS_REGION", "eu-central-1")
    given.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    given.setenv("AWS_ACCESS_KEY_ID", "testing")
    given.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    given.setenv("AWS_EC2_METADATA_DISABLED", "true")


def without_credentials(given: pytest.MonkeyPatch) -> None:
    """No variable and no file has any."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        given.delenv(name)
    given.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    given.setenv("AWS_CONFIG_FILE", "/dev/null")


@contextmanager
def judging_credentials(address: str) -> Iterator[None]:
    """Let the server refuse credentials that it does not know, for the time of the block."""
    _authenticate_after(address, b"0")
    try:
        yield
    finally:
        _authenticate_after(address, b"inf")


def _authenticate_after(address: str, requests: bytes) -> None:
    asked = Request(f"{address}/moto-api/reset-auth", requests, {"content-type": "text/plain"})
    with urlopen(asked, timeout=10) as answer:
        answer.read()
