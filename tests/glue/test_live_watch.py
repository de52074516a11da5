"""The live watch as a person sees it: a terminal, Ctrl-C, and a P1 that ends it."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.glue.running import Application, Gate, only_health

WATCH = ("-m", "monitoring", "--watch=60s")
SETTINGS = '[monitoring]\ninterval = "500ms"\n'


class Terminal:
    """A run of the gate in a terminal of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        master, slave = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if k not in ("CI", "NO_COLOR")}
        environment |= {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=slave, stdout=slave, stderr=slave, env=environment
        )
        os.close(slave)
        self._master = master
        self._read = b""
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    def _collect(self) -> None:
        while True:
            try:
                piece = os.read(self._master, 65_536)
            except OSError:  # the other side has gone: all is read
                return
            self._read += piece

    @property
    def text(self) -> str:
        """What was written, without control sequences."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._read.decode(errors="replace"))

    def until(self, words: str, seconds: float = 30) -> None:
        limit = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < limit, self.text[-2_000:]
            time.sleep(0.05)

    def end(self) -> int:
        code = self.process.wait(30)
        self._reader.join(5)
        return code


@pytest.fixture
def watched(application: Application, pytester: pytest.Pytester) -> Iterator[Terminal]:
    only_health(pytester, SETTINGS, also="watch.complete")
    terminal = Terminal(pytester.path, *WATCH, f"--base-url={application.url}")
    yield terminal
    if terminal.process.poll() is None:
        terminal.process.kill()
        terminal.process.wait(10)


def test_a_terminal_shows_each_signal_with_its_value_and_the_time_left_and_ctrl_c_reports(
    watched: Terminal, pytester: pytest.Pytester
) -> None:
    watched.until("Watching: 2 s of 60 s")
    assert re.search(r"health\.endpoint +passed \d s +[\d.]+ ms", watched.text)
    assert re.search(r"\d\d s left", watched.text)

    watched.process.send_signal(signal.SIGINT)

    assert watched.end() == 2
    assert "verdict: NO-GO" in watched.text
    assert (pytester.path / "reports/monitoring.html").exists()


def test_a_p1_ends_the_watch_within_five_seconds_and_calls_it_out(
    watched: Terminal, application: Application
) -> None:
    watched.until("Watching: 1 s of 60 s")
    application.status = 503
    began = time.monotonic()

    watched.until("ROLL BACK NOW", 10)

    called_s = time.monotonic() - began
    assert called_s < 3 * 0.5 + 5
    assert watched.end() == 1
    assert "failed 3 times in a row" in watched.text
    assert "verdict: NO-GO" in watched.text


def test_without_a_terminal_there_are_plain_lines_only(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    only_health(pytester, SETTINGS.replace("500ms", "1s"), also="watch.complete")

    ran = gate("-m", "monitoring", "--watch=12s", f"--base-url={application.url}")

    assert ran.code == 0, ran.text
    assert re.search(r"watched 1\d s of 12 s: health\.endpoint passed [\d.]+ ms", ran.text)
    assert "\x1b[" not in ran.text
