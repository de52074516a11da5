"""The thread that runs checks: how many at once, and what a test hears that waits for one."""

from __future__ import annotations

import asyncio
import gc
import time
import warnings
from collections.abc import Callable, Iterator

import pytest

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.engine import Task
from pytest_chefrelease.checks.hold import Hold
from pytest_chefrelease.pytest_glue import runner
from pytest_chefrelease.pytest_glue.runner import Runner
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Severity
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.checks.given import WELL, item, surroundings, task


class Checks:
    """Checks that take a moment; ``most`` is how many were under way together."""

    def __init__(self) -> None:
        self.running = self.most = 0

    async def verify(self, _look: Context) -> Evidence:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.01)
        self.running -= 1
        return WELL


def redact(result: Result) -> Result:
    if result.nodeid == "defect":
        raise LookupError("the redactor itself")
    return result


@pytest.fixture
def running() -> Iterator[Runner]:
    made = Runner(lambda say: surroundings(say=say), Hold(), redact)
    yield made
    made.close()


def test_a_runner_that_is_closed_leaves_no_loop_open() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        made = Runner(lambda say: surroundings(say=say), Hold(), redact)
        made.close()
        del made
        gc.collect()

    assert [str(each.message) for each in told] == []


def tasks_of(verify: Callable[[Context], object], *nodeids: str, **changes: object) -> list[Task]:
    one = task(verify, item(**changes))  # type: ignore[arg-type]
    return [Task(one.check, None, one.timeout_s, nodeid) for nodeid in nodeids]


def quiet(_line: str) -> None:
    pass


def test_of_many_checks_no_more_run_at_once_than_are_let_through(
    running: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_MOST_AT_ONCE", 20)
    checks = Checks()
    names = [f"test_{n}" for n in range(200)]
    tasks = tasks_of(checks.verify, *names)

    running.start_all(tasks)
    results = [running.result(each, quiet) for each in reversed(tasks)]

    assert [result.nodeid for result in results] == names[::-1]
    assert {result.outcome for result in results} == {Outcome.PASSED}
    assert checks.most == 20
    assert len(running.finished()) == 200


def test_a_defect_around_one_check_is_heard_of_and_stops_no_other(running: Runner) -> None:
    together = tasks_of(Checks().verify, "one", "defect", "two")
    alone = tasks_of(Checks().verify, "alone", severity=Severity.P1, holds_target=True)
    running.start_all([*together, *alone])

    with pytest.raises(LookupError, match="the redactor itself"):
        running.result(together[1], quiet)
    for each in (together[0], together[2], *alone):
        assert running.result(each, quiet).outcome is Outcome.PASSED
    running.forget("one")
    assert sorted(result.nodeid for result in running.finished()) == ["alone", "two"]


def test_a_check_that_does_not_let_go_is_not_waited_for_for_ever(running: Runner) -> None:
    async def block(_look: Context) -> Evidence:
        time.sleep(1.0)  # noqa: ASYNC251 (the defect)
        return WELL

    (blocking,) = tasks_of(block, "blocks")
    running.start_all([blocking])
    began = time.perf_counter()

    with pytest.raises(TimeoutError):
        running.result(blocking, quiet, limit_s=0.2)

    assert time.perf_counter() - began < 0.9


def test_a_task_that_nobody_has_started_is_started_by_who_waits_for_it(running: Runner) -> None:
    (late,) = tasks_of(Checks().verify, "late")

    assert running.result(late, quiet).outcome is Outcome.PASSED
