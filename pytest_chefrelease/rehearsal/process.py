"""The server process from outside: started, told of the world, ended."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from pytest_chefrelease.errors import NoAnswer, Unreachable
from pytest_chefrelease.rehearsal.world import World

_START_LIMIT_S = 20.0
_STOP_LIMIT_S = 5.0
_END = b"end\n"


class ServerProcess:
    """Starts at once, so that it loads its libraries while the database starts."""

    def __init__(self, log: Path) -> None:
        self._log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pytest_chefrelease.rehearsal.server"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def serve(self, world: World) -> Mapping[str, str]:
        """Tell it of the world; give the address of each site once all of them listen.

        Raises:
            Unreachable: it ended instead; the message has the end of its log.
            NoAnswer: it did not listen within 20 seconds.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None, "a pipe was asked for"  # noqa: S101
        assert stdout is not None, "a pipe was asked for"  # noqa: S101
        stdin.write(msgspec.json.encode(world) + b"\n")
        stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            if not selector.select(_START_LIMIT_S):
                raise NoAnswer(f"the rehearsal's server did not start in {_START_LIMIT_S:.0f} s")
        line = stdout.readline()
        if not line:
            tail = self._log.read_text(errors="replace").strip()[-800:]
            raise Unreachable(f"the rehearsal's server ended at once: {tail}")
        return {name: f"http://127.0.0.1:{port}" for name, port in json.loads(line).items()}

    def stop(self) -> None:
        """End it, and kill it when it does not go."""
        try:
            self._process.communicate(_END, timeout=_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
