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
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError, Future
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
        self._futures: dict[str, Future[Result]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="chefrelease", daemon=True)
        self._thread.start()
        self._look = make_context(self._lines.put)
        self._finished: dict[str, Result] = {}

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
        for task in ordered:
            self._futures[task.nodeid] = Future()
        self._spawn(self._run_all(ordered))

    async def _run_all(self, tasks: Sequence[Task]) -> None:
        together = [t for t in tasks if self._look.watch is not None or not _waits(t)]
        await asyncio.gather(*(self._settle(task) for task in together))
        alone = sorted((t for t in tasks if t not in together), key=_is_last)
        for item_id in dict.fromkeys(task.check.item.id for task in alone):
            same = (task for task in alone if task.check.item.id == item_id)
            await asyncio.gather(*(self._settle(task) for task in same))

    async def _settle(self, task: Task) -> None:
        future = self._futures[task.nodeid]
        try:
            async with self._hold.of(task.check.item):
                result = self._redact(await run_check(task, self._look))
        except asyncio.CancelledError:
            future.cancel()
            raise
        except BaseException as error:  # the waiting test must hear of it, whatever it is
            future.set_exception(error)
            raise
        else:
            self._finished[task.nodeid] = result
            future.set_result(result)

    @property
    def watch(self) -> Watch | None:
        """The watch that its checks take part in."""
        return self._look.watch

    def result(
        self,
        task: Task,
        show: Callable[[str], None],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Result:
        """Wait for a task's result, starting it if nobody has, and show progress meanwhile."""
        if task.nodeid not in self._futures:
            self._futures[task.nodeid] = Future()
            self._spawn(self._settle(task))
        future = self._futures[task.nodeid]
        while True:
            try:
                return future.result(timeout=0.1)
            except FutureTimeoutError:
                self._show_progress(show)
                meanwhile()
            finally:
                if future.done():
                    self._show_progress(show)

    def _show_progress(self, show: Callable[[str], None]) -> None:
        while not self._lines.empty():
            show(self._lines.get())

    def finished(self) -> tuple[Result, ...]:
        """The results of checks that came to an end and that no report has taken."""
        return tuple(self._finished.values())

    def forget(self, nodeid: str) -> None:
        """A report has taken the result: it is not kept a second time."""
        self._futures.pop(nodeid, None)
        self._finished.pop(nodeid, None)

    def close(self) -> None:
        """Cancel what still runs, close the probes, and end the thread."""
        closing = asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop)
        # The thread is a daemon: what does not end in time ends with the process.
        with suppress(FutureTimeoutError, CancelledError):
            closing.result(timeout=_CLOSING_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=_CLOSING_S)

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
