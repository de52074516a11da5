"""What takes time to become true: late is told from flapping, and waiting has an end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_chefrelease.checks.eventually import Later, Patience, eventually
from pytest_chefrelease.errors import AccessDenied, Failed
from pytest_chefrelease.runbook.evidence import Evidence, Timeline
from tests.checks import virtual_time
from tests.checks.given import WELL

PATIENCE = Patience(limit_s=10.0, every_s=2.0)


def looked(truths: Sequence[bool], said: list[str] | None = None) -> Evidence:
    """The outcome of looks that are true or not in this order; the last one goes on for ever."""
    looks = iter([*truths, *[truths[-1]] * 99])

    async def look_once() -> Evidence | Later:
        return WELL if next(looks) else Later(Failed("old", expected="new", evidence=WELL))

    told = said if said is not None else []

    async def work(_: virtual_time.Clock) -> Evidence:
        return await eventually(look_once, PATIENCE, what="deploy", say=told.append)

    return virtual_time.run(work)


def test_what_is_true_at_once_is_looked_at_once() -> None:
    seen = looked([True])

    assert (seen.summary, seen.facts["attempts"], seen.attachments) == (WELL.summary, 1, ())


def test_late_is_confirmed_once_and_told_with_every_attempt() -> None:
    said: list[str] = []

    seen = looked([False, False, True], said)

    assert seen.summary == "all is well (late: not so yet at 2 s)"
    assert (seen.facts["attempts"], seen.facts["waited_s"], seen.facts["flapped"]) == (4, 6, False)
    (attempts,) = seen.attachments
    assert isinstance(attempts, Timeline)
    assert [(at, state) for at, state, _ in attempts.marks] == [
        (0, "failed"), (2, "failed"), (4, "passed"), (6, "passed"),
    ]  # fmt: skip
    assert said[0] == "deploy: old (0 of 10 s)"


def test_flapping_needs_three_looks_in_a_row_and_is_told() -> None:
    seen = looked([False, True, False, True])

    assert seen.summary == "all is well (flapping before: 2 of 6 looks were wrong)"
    assert seen.facts["flapped"] is True


def test_what_does_not_come_fails_with_how_long_it_was_waited_for() -> None:
    with pytest.raises(Failed) as failed:
        looked([False])

    assert failed.value.seen == "old, after 10 s and 6 looks"
    assert failed.value.expected == "new"
    assert failed.value.evidence is not None
    assert failed.value.evidence.facts["attempts"] == 6


def test_what_comes_and_goes_until_the_end_fails_as_flapping() -> None:
    with pytest.raises(Failed, match="old, flapping: 2 of 6 looks were right"):
        looked([False, True, False, True, False])


def test_what_becomes_true_at_the_limit_is_still_confirmed() -> None:
    assert looked([False] * 5 + [True]).facts["attempts"] == 7


def test_what_cannot_be_mended_by_waiting_ends_it_at_once() -> None:
    looks = 0

    async def look_once() -> Evidence | Later:
        nonlocal looks
        looks += 1
        raise AccessDenied("no token")

    async def work(_: virtual_time.Clock) -> Evidence:
        return await eventually(look_once, PATIENCE, what="deploy", say=lambda _line: None)

    with pytest.raises(AccessDenied):
        virtual_time.run(work)
    assert looks == 1
