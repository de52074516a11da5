"""Shows a watch while a test waits for it: in a terminal, drawn anew each second."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

from pytest_chefrelease.checks.watching import Watch
from pytest_chefrelease.report.watch_view import view

if TYPE_CHECKING:
    from rich.live import Live

_EVERY_S = 1.0


class LiveView:
    """The view of one watch. Nothing is drawn where standard output is no terminal.

    ``uncaptured`` lets output through pytest's capture.
    """

    def __init__(
        self, watch: Watch, uncaptured: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._watch = watch
        self._uncaptured = uncaptured
        self._live: Live | None = None
        self._drawn_at = 0.0
        watch.signals.is_shown = True

    def draw(self) -> None:
        """Draw the signals as they are now, at most once a second."""
        now = time.monotonic()
        if now - self._drawn_at < _EVERY_S:
            return
        self._drawn_at = now
        watch = self._watch
        table = view(watch.signals.all(), watch.elapsed_s, watch.length_s)
        with self._uncaptured():
            if self._live is None:
                self._live = _started()
            self._live.update(table, refresh=True)

    def line(self, text: str) -> bool:
        """Put a line above the view; False where there is none."""
        if self._live is None:
            return False
        with self._uncaptured():
            self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)
        return True

    def close(self) -> None:
        """Take the view away: what comes now is pytest's."""
        if self._live is not None:
            with self._uncaptured():
                self._live.stop()
            self._live = None


def live_view(config: pytest.Config, watch: Watch | None) -> LiveView | None:
    """The view of a run, or None where there is nothing to watch, or nobody to look."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    if watch is None or capture is None:
        return None
    # While pytest captures, its own file stands where the terminal is.
    with capture.global_and_fixture_disabled():
        is_terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return LiveView(watch, capture.global_and_fixture_disabled) if is_terminal else None


def _started() -> Live:
    from rich.console import Console
    from rich.live import Live

    live = Live(
        console=Console(),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    sys.stdout.write("\n")
    live.start()
    return live
