"""Runs checks on one event loop in one background thread, while pytest waits test by test.

A gate waits on networks, so checks do not wait in line: all start at once when collection
ends, the gravest first; those that hold the target alone follow, one item after the other,
and then those that look last.
Under pytest-xdist each check starts when its test does (``result`` starts it).
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.engine import Task
from pytest_chefrelease.checks.engine import run as run_check
from pytest_chefrelease.checks.hold import Hold
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.checks.watching import Watch
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Result

if TYPE_CHECKING:
    from pytest_chefrelease.pytest_glue.activation import StageRun

_CLOSING_S = 5.0
_MOMENT_S = 0.1
_MOST_AT_ONCE = 500
"""More than any host's limit lets through at once; each that waits takes memory."""


class Runner:
    """The background thread of a run. ``make_context`` is called in it, with ``say``."""

    def __init__(
        self,
        make_context: Callable[[Callable[[str], None]], Context],
        hold: Hold,
        redact: Callable[[Result], Result],
    ) -> None:
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._hold = hold
        self._redact = redact
        self._known: set[str] = set()
        self._settled = threading.Condition()
        self._ended: dict[str, Result | BaseException] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="chefrelease", daemon=True)
        self._thread.start()
        self._look = make_context(self._lines.put)

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        while True:
            try:
                self._loop.run_forever()
                return
            except SystemExit:
                # A library's, in a task that has it as its error. asyncio lets it end the
                # loop, and every other check would wait for ever.
                continue

    def start_all(self, tasks: Sequence[Task]) -> None:
        """Start every task: at once, or behind those that may not be disturbed."""
        ordered = sorted(tasks, key=lambda task: task.check.item.severity)
        self._known.update(task.nodeid for task in ordered)
        self._spawn(self._run_all(ordered))

    async def _run_all(self, tasks: Sequence[Task]) -> None:
        is_watch = self._look.watch is not None
        together = [task for task in tasks if is_watch or not _waits(task)]
        await self._settle_all(together, len(together) if is_watch else _MOST_AT_ONCE)
        alone = sorted((task for task in tasks if not is_watch and _waits(task)), key=_is_last)
        for item_id in dict.fromkeys(task.check.item.id for task in alone):
            same = [task for task in alone if task.check.item.id == item_id]
            await self._settle_all(same, _MOST_AT_ONCE)

    async def _settle_all(self, tasks: Sequence[Task], at_once: int) -> None:
        """Settle tasks in their order, so many at a time."""
        waiting = iter(tasks)

        async def one_after_the_other() -> None:
            for task in waiting:
                await self._settle(task)

        await asyncio.gather(*(one_after_the_other() for _ in range(min(len(tasks), at_once))))

    async def _settle(self, task: Task) -> None:
        """Run a task; whatever comes of it, the test that waits for it hears of it."""
        ended: Result | BaseException
        try:
            async with self._hold.of(task.check.item):
                ended = self._redact(await run_check(task, self._look))
        except asyncio.CancelledError as error:
            self._end(task, error)
            raise
        except BaseException as error:  # noqa: BLE001 (the others go on)
            ended = error
        self._end(task, ended)

    def _end(self, task: Task, ended: Result | BaseException) -> None:
        with self._settled:
            self._ended[task.nodeid] = ended
            self._settled.notify_all()

    @property
    def watch(self) -> Watch | None:
        """The watch that its checks take part in."""
        return self._look.watch

    def result(
        self,
        task: Task,
        show: Callable[[str], None],
        meanwhile: Callable[[], None] = lambda: None,
        limit_s: float = float("inf"),
    ) -> Result:
        """Wait for a task's result, starting it if nobody has, and show progress meanwhile.

        Raises TimeoutError after ``limit_s``: the check's own limit has not ended it.
        """
        if task.nodeid not in self._known:
            self._known.add(task.nodeid)
            self._spawn(self._settle(task))
        until = time.monotonic() + limit_s
        while (ended := self._wait(task.nodeid)) is None:
            self._show_progress(show)
            meanwhile()
            if time.monotonic() > until:
                raise TimeoutError
        self._show_progress(show)
        if isinstance(ended, BaseException):
            raise ended
        return ended

    def _wait(self, nodeid: str) -> Result | BaseException | None:
        """What has become of a test's task, None where nothing has within a moment."""
        with self._settled:
            self._settled.wait_for(lambda: nodeid in self._ended, timeout=_MOMENT_S)
            return self._ended.get(nodeid)

    def _show_progress(self, show: Callable[[str], None]) -> None:
        while not self._lines.empty():
            show(self._lines.get())

    def finished(self) -> tuple[Result, ...]:
        """The results of checks that came to an end and that no report has taken."""
        return tuple(each for each in self._ended.values() if isinstance(each, Result))

    def forget(self, nodeid: str) -> None:
        """A report has taken the result: it is not kept a second time."""
        self._ended.pop(nodeid, None)

    def close(self) -> None:
        """Cancel what still runs, close the probes, and end the thread."""
        closing = asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop)
        # The thread is a daemon: what does not end in time ends with the process.
        with suppress(FutureTimeoutError, CancelledError):
            closing.result(timeout=_CLOSING_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=_CLOSING_S)
        if not self._thread.is_alive():
            self._loop.close()

    async def _shut_down(self) -> None:
        others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        if self._look.watch is not None and others:
            self._look.watch.end("the run was ended early")
            await asyncio.wait(others, timeout=_CLOSING_S / 2)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._look.probes.close()

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop)


def _waits(task: Task) -> bool:
    return task.check.item.holds_target or _is_last(task)


def _is_last(task: Task) -> bool:
    return task.check.item.looks_last


def start_runner(run: StageRun, redact: Callable[[Result], Result]) -> Runner:
    """The runner of a stage run, with the context that its checks look at."""

    def make_context(say: Callable[[str], None]) -> Context:
        monitoring = run.settings.monitoring
        watch = None
        if run.stage is Stage.MONITORING:
            watch = Watch(monitoring.watch.total_seconds(), monitoring.interval.total_seconds())
        return Context(
            settings=run.settings,
            release=run.release,
            stage=run.stage,
            repository=run.repository,
            probes=Probes(run.settings, run.repository),
            once=Once(run.shared),
            say=say,
            watch=watch,
            reports=run.reports,
        )

    return Runner(make_context, Hold(run.shared), redact)
