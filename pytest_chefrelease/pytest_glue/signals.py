"""Lets a stage run that is told to end write its report first."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

_ENDING = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """SIGTERM ends a run as Ctrl-C does, and neither reaches it while it writes its report.

    CI systems and containers send SIGTERM first and SIGKILL seconds later: between the two
    there is time to write. Only the main thread may set handlers; elsewhere nothing is done.
    """

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Any] = {}

    def install(self) -> None:
        """Take SIGTERM, unless somebody else has."""
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            self._set(signal.SIGTERM, _interrupt)

    def hold_off(self) -> None:
        """From here on the run ends anyway: a second Ctrl-C would only cost the report."""
        for number in _ENDING:
            self._set(number, signal.SIG_IGN)

    def restore(self) -> None:
        """Put back the handlers that were there before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _set(self, number: signal.Signals, handler: Any) -> None:  # noqa: ANN401 (signal's own)
        if threading.current_thread() is threading.main_thread():
            before = signal.signal(number, handler)
            self._before.setdefault(number, before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
