"""A small real application on loopback, and pytest runs of the gate against it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pytest_chefrelease.checks.declare import catalogue
from tests.glue.running import Application, Gate, Ran

# pytester forgets what a test imported: types that are read later by name would be lost.
catalogue()


@pytest.fixture
def address() -> str:
    """Where the application listens; a test with several hosts has another."""
    return "127.0.0.1"


@pytest.fixture
def application(address: str) -> Iterator[Application]:
    app = Application()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            app.requests.append(self.path)
            app.visitors.append(self.client_address[0])
            if app.delay is not None:
                app.delay.wait(20)
            page = app.pages.get(self.path)
            body = (json.dumps(app.document()) if page is None else page).encode()
            known = 404 if page is None else 200
            self.send_response(app.status if self.path == "/health" else known)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((address, 0), Handler)
    server.daemon_threads = True
    app.url = f"http://{address}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield app
    if app.delay is not None:
        app.delay.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def gate(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Run pytest in an empty project, as a user does, and wait for it."""
    monkeypatch.delenv("CI", raising=False)

    def run(*arguments: str) -> Ran:
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments, timeout=60)
        text = result.stdout.str() + result.stderr.str()
        return Ran(int(result.ret), text, pytester.path)

    return run
