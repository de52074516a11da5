"""Real Prometheus and Alertmanager on loopback, for the time of a block.

The programs are those on PATH, which `make test` sees to.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
