"""A second host on this machine: a network namespace with an address of its own.

Where nobody may make one it is another address of loopback, with the same file system.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import execnet.script.socketserver

_WAIT_S = 20


@dataclass
class Host:
    """``address`` is its own, ``near`` that of this host as it is reached from there."""

    address: str
    near: str
    namespace: str | None
    folder: Path

    @contextmanager
    def worker(self, port: int, *hidden: Path) -> Iterator[subprocess.Popen[bytes]]:
        """An execnet server there, for ``--tx socket=``. It sees nothing of ``hidden`` folders."""
        server = [sys.executable, execnet.script.socketserver.__file__, f"{self.address}:{port}"]
        if self.namespace is not None:
            hide = " && ".join(["true", *(f'mount -t tmpfs none "{each}"' for each in hidden)])
            entered = ["ip", "netns", "exec", self.namespace, "sh", "-c"]
            server = [*entered, f'{hide} && exec "$@"', "sh", *server]
        process = subprocess.Popen(
            server, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            self._demand_answer(port)
            yield process
        finally:
            process.kill()
            process.wait()

    def ssh(self, programs: Path) -> None:
        """A stand-in for ssh in ``programs``: no host here has an sshd. It runs there."""
        entered = f"ip netns exec {self.namespace} sh -c" if self.namespace else "sh -c"
        told = f'for last; do :; done\ncd "{self.folder}"\nexec {entered} "$last"\n'
        program = programs / "ssh"
        program.write_text(f"#!/bin/sh\n{told}", encoding="utf-8")
        program.chmod(0o755)

    def _demand_answer(self, port: int) -> None:
        """What connects and says nothing is answered by one round of the server's loop."""
        until = time.monotonic() + _WAIT_S
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection((self.address, port), 1):
                return
            time.sleep(0.05)
        raise TimeoutError(f"no server at {self.address}:{port}")


@contextmanager
def other_host(folder: Path) -> Iterator[Host]:
    """A host that goes with the block."""
    name = f"cr{os.getpid()}"
    third = os.getpid() % 250
    near, far = f"10.231.{third}.1", f"10.231.{third}.2"
    inside = f"{name}b"
    steps = [
        f"ip netns add {name}",
        f"ip link add {name}a type veth peer name {inside} netns {name}",
        f"ip addr add {near}/30 dev {name}a",
        f"ip link set {name}a up",
        f"ip -n {name} addr add {far}/30 dev {inside}",
        f"ip -n {name} link set {inside} up",
        f"ip -n {name} link set lo up",
    ]
    try:
        if all(_runs(step) for step in steps):
            yield Host(far, near, name, folder)
        else:
            yield Host("127.0.0.2", "127.0.0.1", None, folder)
    finally:
        _runs(f"ip netns delete {name}")


def _runs(command: str) -> bool:
    try:
        return subprocess.run(command.split(), capture_output=True, check=False).returncode == 0
    except OSError:
        return False
