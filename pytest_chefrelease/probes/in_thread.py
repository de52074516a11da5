"""Work that blocks, done beside the loop, and given up when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

IsWanted = Callable[[], bool]


async def in_thread(work: Callable[[IsWanted], T]) -> T:
    """Run ``work`` in a thread; it is told when nobody waits for it any more."""
    given_up = threading.Event()
    try:
        return await asyncio.to_thread(work, lambda: not given_up.is_set())
    finally:
        given_up.set()
