"""An event loop that wakes to the microsecond and knows since when it has been busy."""

from __future__ import annotations

import asyncio
import select
import selectors
import time

_WAITED_S = 0.00005


class _PreciseSelector(selectors.DefaultSelector):
    """Waits to the microsecond: epoll's own time-out is rounded up to whole milliseconds.

    ``idle_until`` is when a wait last ended: what has come since may have come then.
    """

    def __init__(self) -> None:
        super().__init__()
        self.idle_until = time.monotonic()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        before = time.monotonic()
        select.select([self.fileno()], [], [], timeout)
        after = time.monotonic()
        if after - before > _WAITED_S:
            self.idle_until = after
        return super().select(0)


class PreciseLoop(asyncio.SelectorEventLoop):
    """The loop of the prober's process."""

    def __init__(self) -> None:
        self._precise = _PreciseSelector()
        super().__init__(self._precise)

    @property
    def idle_until(self) -> float:
        """When the loop last had nothing to do, on its own clock."""
        return self._precise.idle_until


def busy_since() -> float:
    """Since when the running loop has been busy: what it notes now may have come then.

    An ordinary loop does not know, and says now.
    """
    loop = asyncio.get_running_loop()
    return loop.idle_until if isinstance(loop, PreciseLoop) else loop.time()
