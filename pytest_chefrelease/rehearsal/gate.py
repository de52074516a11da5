"""The process of the gate while it looks at the stack, for faults of the gate's own machine."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread

_COMES_S = 30.0
"""So long a fault waits for a gate."""


@dataclass(slots=True)
class Gate:
    """At most one process: the stage that runs."""

    _process: subprocess.Popen[bytes] | None = None
    _asleep: tuple[float, float] = (0.0, 0.0)

    @contextmanager
    def running(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """The process is the gate's for the time of the block."""
        self._process = process
        try:
            yield
        finally:
            self._process = None

    def sleep(self, after_s: float, for_s: float) -> None:
        """Stop the gate that runs, or comes next, for a while, as closing a laptop does."""
        self._asleep = (time.monotonic() + after_s, for_s)
        Thread(target=self._sleep, args=(after_s, for_s), daemon=True).start()

    def wall(self) -> float:
        """The clock on the wall, for a look in this process, which can't be stopped.

        While a machine sleeps it goes on, and the steady clock does not.
        """
        at, for_s = self._asleep
        return time.time() + (for_s if time.monotonic() >= at else 0.0)

    def _sleep(self, after_s: float, for_s: float) -> None:
        until = time.monotonic() + _COMES_S
        while self._process is None and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(after_s)
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGSTOP)
            time.sleep(for_s)
            process.send_signal(signal.SIGCONT)
