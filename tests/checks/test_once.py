"""Expensive work is done once: for all checks of a process, and for all processes of a run."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pytest_chefrelease.checks.hold import Hold
from pytest_chefrelease.checks.once import Json, Once
from tests.checks.given import item


class Work:
    """Counts how often it was done; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.done = 0
        self._failures = failures

    async def __call__(self) -> Json:
        self.done += 1
        await asyncio.sleep(0.01)
        if self.done <= self._failures:
            raise OSError(f"try {self.done}")
        return {"n": self.done}


@pytest.fixture(params=["one process", "shared"])
def once(request: pytest.FixtureRequest, tmp_path: Path) -> Once:
    return Once(tmp_path if request.param == "shared" else None)


def in_loop(work: Callable[[], Awaitable[object]]) -> None:
    async def run() -> None:
        await work()

    asyncio.run(run())


def test_many_who_ask_at_once_share_one_result(once: Once) -> None:
    work = Work()

    async def ask() -> None:
        results = await asyncio.gather(*(once.get("a", work) for _ in range(20)))
        assert results == [{"n": 1}] * 20
        assert await once.get("a", work) == {"n": 1}

    in_loop(ask)
    assert work.done == 1


def test_each_key_has_its_own_work(once: Once) -> None:
    async def ask() -> None:
        for key in ("a", "b", "../../a", "ü" * 300):
            work = Work()
            await once.get(key, work)
            assert work.done == 1

    in_loop(ask)


def test_a_failure_reaches_all_who_wait_and_nobody_who_asks_later(once: Once) -> None:
    work = Work(failures=1)

    async def ask() -> None:
        both = [once.get("a", work), once.get("a", work)]
        failures = await asyncio.gather(*both, return_exceptions=True)
        assert [str(failure) for failure in failures] == ["try 1", "try 1"]
        assert await once.get("a", work) == {"n": 2}

    in_loop(ask)


def test_who_gives_up_waiting_does_not_end_the_work_of_others(once: Once) -> None:
    work = Work()

    async def ask() -> None:
        hasty = asyncio.create_task(once.get("a", work))
        await asyncio.sleep(0)
        patient = asyncio.create_task(once.get("a", work))
        hasty.cancel()
        assert await patient == {"n": 1}

    in_loop(ask)
    assert work.done == 1


def test_another_worker_reads_what_one_has_done(tmp_path: Path) -> None:
    first, second = Work(), Work()

    async def ask() -> None:
        assert await Once(tmp_path).get("a", first) == {"n": 1}
        assert await Once(tmp_path).get("a", second) == {"n": 1}

    in_loop(ask)
    assert (first.done, second.done) == (1, 0)


def test_a_worker_that_died_while_writing_left_nothing_to_be_read(tmp_path: Path) -> None:
    in_loop(lambda: Once(tmp_path).get("a", Work()))
    (kept,) = tmp_path.glob("*.json")
    kept.with_suffix(".part").write_text(kept.read_text()[:3])
    kept.unlink()
    work = Work()

    in_loop(lambda: Once(tmp_path).get("a", work))

    assert work.done == 1
    assert json.loads(kept.read_text()) == {"n": 1}


def ask_from_a_process(folder: Path) -> int:
    work = Work()
    in_loop(lambda: Once(folder).get("a", work))
    return work.done


def test_processes_do_the_work_once_between_them(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        done = pool.map(ask_from_a_process, [tmp_path] * 4)

    assert sum(done) == 1
    (kept,) = tmp_path.glob("*.json")
    assert json.loads(kept.read_text()) == {"n": 1}


async def overlap(hold: Hold, one: bool, other: bool) -> bool:  # noqa: FBT001
    """Whether two checks (True: it measures) are on the target at the same time."""
    inside, most = 0, 0

    async def enter(*, measures: bool) -> None:
        nonlocal inside, most
        async with hold.of(item(holds_target=measures)):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.1)
            inside -= 1

    await asyncio.gather(enter(measures=one), enter(measures=other))
    return most == 2


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [(False, False, True), (True, False, False), (False, True, False), (True, True, False)],
)
def test_who_measures_holds_the_target_alone(
    tmp_path: Path, *, one: bool, other: bool, together: bool
) -> None:
    assert asyncio.run(overlap(Hold(tmp_path), one, other)) is together


def test_the_hold_falls_when_a_check_is_cancelled(tmp_path: Path) -> None:
    hold = Hold(tmp_path)

    async def work() -> None:
        async def measure() -> None:
            async with hold.of(item(holds_target=True)):
                await asyncio.sleep(60)

        measuring = asyncio.create_task(measure())
        await asyncio.sleep(0.05)
        measuring.cancel()
        await asyncio.gather(measuring, return_exceptions=True)
        async with asyncio.timeout(2), hold.of(item()):
            pass

    asyncio.run(work())
