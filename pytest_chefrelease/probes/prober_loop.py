"""An event loop that wakes to the microsecond and knows since when it has been busy."""

from __future__ import annotations

import asyncio
import select
import selectors
import time

_WAITED_S = 0.00005


class _PreciseSelector(selectors.DefaultSelector):
    """Waits to the microsecond: epoll's own time-out is rounded up to whole milliseconds.

    ``idle_until`` is when a wait last ended; ``looked_at`` and ``looked_before`` are when the
    last look at the sockets ended, and the one before that.
    """

    def __init__(self) -> None:
        super().__init__()
        self.idle_until = self.looked_at = self.looked_before = time.monotonic()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            before = time.monotonic()
            select.select([self.fileno()], [], [], timeout)
            after = time.monotonic()
            if after - before > _WAITED_S:
                self.idle_until = after
        found = super().select(0)
        self.looked_before, self.looked_at = self.looked_at, time.monotonic()
        return found


class PreciseLoop(asyncio.SelectorEventLoop):
    """The loop of the prober's process."""

    def __init__(self) -> None:
        self._precise = _PreciseSelector()
        super().__init__(self._precise)

    @property
    def idle_until(self) -> float:
        """When the loop last had nothing to do: what it has read since came since."""
        return self._precise.idle_until

    @property
    def read_at(self) -> float:
        """When what wakes the running task had come at the latest.

        A task runs one turn of the loop after the data that it waited for were read. When
        many answers come at once, they had all come by then, while the last is only
        handled after all others.
        """
        return self._precise.looked_before
