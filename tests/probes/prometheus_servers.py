"""Real Prometheus and Alertmanager on loopback, for the time of a block.

The programs are those on PATH, which `make test` sees to.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

_READY_S = 20.0
_ALERTMANAGER = """\
route: { receiver: nobody, group_wait: 0s }
receivers: [{ name: nobody }]
inhibit_rules:
  - source_matchers: ['severity="critical"']
    target_matchers: ['severity="warning"']
    equal: [service]
"""


@dataclass(frozen=True)
class Alertmanager:
    url: str


def program(*names: str) -> str:
    """The first of the programs that is here. Fails where none is: `make test` brings them."""
    for name in names:
        if found := shutil.which(name):
            return found
    raise FileNotFoundError(f"{names[0]} is not here: run scripts/system-setup.sh prometheus")


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextmanager
def running_alertmanager(folder: Path) -> Iterator[Alertmanager]:
    """One that inhibits warnings of a service while something critical fires for it."""
    configuration = folder / "alertmanager.yml"
    configuration.write_text(_ALERTMANAGER)
    port = free_port()
    command = [
        program("prometheus-alertmanager", "alertmanager"),
        f"--config.file={configuration}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    url = f"http://127.0.0.1:{port}"
    with running(command, f"{url}/-/ready", folder / "log"):
        yield Alertmanager(url)


@contextmanager
def running(command: Sequence[str], ready: str, log: Path) -> Iterator[None]:
    """A server until the end of the block, from when its address answers 200."""
    with log.open("wb") as told:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=told, stderr=told, env=dict(os.environ)
        )
    try:
        until = time.monotonic() + _READY_S
        while not is_ready(ready):
            assert process.poll() is None, log.read_text(errors="replace")[-2_000:]
            assert time.monotonic() < until, f"{ready} is not ready in time"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def is_ready(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@dataclass
class Exporter:
    """An application's metrics, which grow with each scrape by what a test lets happen."""

    status: int = 200
    latencies_s: dict[str, float] = field(default_factory=lambda: {"/health": 0.02})
    each_scrape: int = 50
    errors_each_scrape: int = 0
    started: float = 1_700_000_000.0
    waiting: int = 0
    served: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    total: int = 0

    def text(self) -> str:
        lines = [f"process_start_time_seconds {self.started}"]
        lines += [f"prisma_client_queries_wait {self.waiting}", "always_waiting 4"]
        self.failed += self.errors_each_scrape
        self.total += self.each_scrape
        for route, latency_s in self.latencies_s.items():
            for bound in ("0.1", "0.5", "1", "2.5", "+Inf"):
                key = f"{route} {bound}"
                more = self.each_scrape if latency_s <= float(bound) else 0
                held = self.served[key] = self.served.get(key, 0) + more
                labels = f'route="{route}",le="{bound}"'
                lines.append(f"http_request_duration_seconds_bucket{{{labels}}} {held}")
        lines.append(f'http_requests_total{{status="200"}} {self.total}')
        lines.append(f'http_requests_total{{status="500"}} {self.failed}')
        return "\n".join(lines) + "\n"


@contextmanager
def running_prometheus(folder: Path, exporter: Exporter) -> Iterator[str]:
    """A Prometheus that scrapes the exporter twice a second as the job api; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = exporter.text().encode()
            self.send_response(exporter.status)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    configuration = folder / "prometheus.yml"
    configuration.write_text(
        "global: { scrape_interval: 500ms, scrape_timeout: 400ms }\n"
        "scrape_configs: [{ job_name: api, static_configs: "
        f"[{{ targets: ['127.0.0.1:{server.server_port}'] }}] }}]\n"
    )
    port = free_port()
    command = [
        program("prometheus"),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    url = f"http://127.0.0.1:{port}"
    try:
        with running(command, f"{url}/-/ready", folder / "log"):
            yield url
    finally:
        server.shutdown()
        server.server_close()


def value_of(url: str, promql: str) -> float | None:
    """What the server itself says of an expression now."""
    answer = httpx.get(f"{url}/api/v1/query", params={"query": promql}, trust_env=False).json()
    found = answer["data"]["result"]
    return float(found[0]["value"][1]) if found else None


def wait_until(is_so: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.2)
