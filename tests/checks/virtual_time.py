"""An event loop whose time passes at once: what waits for minutes is tested in no time.

Real timers, tasks and time limits run on it; only waiting is skipped.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass
class Clock:
    """Seconds; ``offset`` is how far the clock on the wall is ahead of the steady one."""

    now: float = 0.0
    offset: float = 0.0

    def steady(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + self.offset


class _Skipping(selectors.SelectSelector):
    """Instead of waiting for files, lets the clock jump to the next timer."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "the test waits for what can never happen"
            self._clock.now += timeout
        return ready


def run(work: Callable[[Clock], Coroutine[Any, Any, T]]) -> T:
    """The result of ``work``, given the clock of the loop that it runs on."""
    clock = Clock()

    def make_loop() -> asyncio.AbstractEventLoop:
        loop = asyncio.SelectorEventLoop(_Skipping(clock))
        loop.time = clock.steady  # type: ignore[method-assign]
        return loop

    with asyncio.Runner(loop_factory=make_loop) as runner:
        return runner.run(work(clock))
