"""Expensive work done once for all checks of a run, also across pytest-xdist's workers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path

Json = dict[str, object] | list[object] | str | int | float | bool | None


@dataclass(slots=True)
class Once:
    """Keeps results of expensive work by key: in memory, and in ``shared`` for other workers.

    ``shared`` is a folder private to the run, or None where there is only one process.
    """

    shared: Path | None = None
    _tasks: dict[str, asyncio.Task[Json]] = field(default_factory=dict)

    async def get(self, key: str, work: Callable[[], Awaitable[Json]]) -> Json:
        """The result of ``work`` for ``key``: done by whoever asks first, awaited by the rest.

        ``work`` returns plain JSON. An exception reaches everyone in this process who
        waits, and nobody who asks later: they, and other workers, try again. Work goes on
        when whoever asked gives up.
        """
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._do(key, work))
            self._tasks[key].add_done_callback(partial(self._forget_failure, key))
        return await asyncio.shield(self._tasks[key])

    def _forget_failure(self, key: str, task: asyncio.Task[Json]) -> None:
        if task.cancelled() or task.exception() is not None:
            del self._tasks[key]

    async def _do(self, key: str, work: Callable[[], Awaitable[Json]]) -> Json:
        if self.shared is None:
            return await work()
        from filelock import AsyncFileLock

        path = self.shared / (sha256(key.encode()).hexdigest()[:24] + ".json")
        async with AsyncFileLock(str(path) + ".lock", run_in_executor=False):
            if path.exists():
                kept: Json = json.loads(path.read_text(encoding="utf-8"))
                return kept
            result = await work()
            # A worker that dies here leaves no half a file: the next one does the work again.
            unfinished = path.with_suffix(".part")
            unfinished.write_text(json.dumps(result), encoding="utf-8")
            unfinished.replace(path)
            return result
