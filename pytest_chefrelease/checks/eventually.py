"""What may take time to become true: looked at again until it is, with every attempt kept.

A late answer is one that was wrong and then stayed right. A flapping one was right and then
wrong again: it passes only after it has been right several times in a row, and is told either way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from pytest_chefrelease.errors import Finding
from pytest_chefrelease.runbook.evidence import Evidence, Timeline

_TRUE, _NOT_YET = "passed", "failed"
_STEADY_WHEN_LATE, _STEADY_WHEN_FLAPPING = 2, 3


class Later(Struct, frozen=True):
    """Not true yet; ``finding`` is what is said of it where no time is left."""

    finding: Finding


class Patience(Struct, frozen=True):
    """How long something may take to become true, and how often it is looked at; in seconds."""

    limit_s: float
    every_s: float


class Attempt(Struct, frozen=True):
    """One look: when, in seconds since the first, whether it was true, and what was seen."""

    at_s: float
    is_true: bool
    said: str


async def eventually(
    look_once: Callable[[], Awaitable[Evidence | Later]],
    patience: Patience,
    *,
    what: str,
    say: Callable[[str], None],
) -> Evidence:
    """The evidence of the look that was right, and stayed so where one before it was not.

    ``look_once`` returns Evidence when it is true and Later when it may become so; what it
    raises cannot be mended by waiting and ends it at once. ``what`` is told by ``say`` while
    it waits. Raises the last finding when the time is up.
    """
    clock = asyncio.get_running_loop().time
    began = clock()
    attempts: list[Attempt] = []
    while True:
        seen = await look_once()
        elapsed_s = clock() - began
        attempts.append(_attempt(elapsed_s, seen))
        if isinstance(seen, Evidence):
            # Once it is right the time limit waits too: confirming it takes few more looks.
            if _is_settled(attempts):
                return _with_attempts(seen, attempts, _how(attempts))
        elif elapsed_s + patience.every_s > patience.limit_s:
            raise _out_of_time(seen.finding, attempts)
        say(f"{what}: {attempts[-1].said} ({elapsed_s:.0f} of {patience.limit_s:.0f} s)")
        await asyncio.sleep(patience.every_s)


def is_flapping(attempts: Sequence[Attempt]) -> bool:
    """Whether it was true once and then not any more."""
    return any(a.is_true and not b.is_true for a, b in pairwise(attempts))


def _is_settled(attempts: Sequence[Attempt]) -> bool:
    """Right at the first look, or often enough in a row after it was not."""
    if all(attempt.is_true for attempt in attempts):
        return True
    needed = _STEADY_WHEN_FLAPPING if is_flapping(attempts) else _STEADY_WHEN_LATE
    return len(attempts) >= needed and all(attempt.is_true for attempt in attempts[-needed:])


def _attempt(at_s: float, seen: Evidence | Later) -> Attempt:
    if isinstance(seen, Evidence):
        return Attempt(at_s, is_true=True, said=seen.summary)
    return Attempt(at_s, is_true=False, said=seen.finding.seen)


def _how(attempts: Sequence[Attempt]) -> str:
    """How it came about, for the summary: nothing where the first look was enough."""
    if is_flapping(attempts):
        wrong = sum(not attempt.is_true for attempt in attempts)
        return f"flapping before: {wrong} of {len(attempts)} looks were wrong"
    late = [attempt.at_s for attempt in attempts if not attempt.is_true]
    return f"late: not so yet at {late[-1]:.0f} s" if late else ""


def _with_attempts(seen: Evidence, attempts: Sequence[Attempt], how: str) -> Evidence:
    """The evidence, with every attempt where there was more than one."""
    waited_s = attempts[-1].at_s
    facts = {
        **seen.facts,
        "attempts": len(attempts),
        "waited_s": round(waited_s, 1),
        "flapped": is_flapping(attempts),
    }
    if len(attempts) == 1:
        return replace(seen, facts=facts)
    marks = tuple((a.at_s, _TRUE if a.is_true else _NOT_YET, a.said[:200]) for a in attempts)
    return replace(
        seen,
        summary=f"{seen.summary} ({how})" if how else seen.summary,
        facts=facts,
        attachments=(*seen.attachments, Timeline("Attempts", max(waited_s, 1.0), marks)),
    )


def _out_of_time(finding: Finding, attempts: Sequence[Attempt]) -> Finding:
    """The last finding, with how long it was waited for and whether it came and went."""
    said = f"{finding.seen}, after {attempts[-1].at_s:.0f} s and {len(attempts)} looks"
    if is_flapping(attempts):
        right = sum(attempt.is_true for attempt in attempts)
        said = f"{finding.seen}, flapping: {right} of {len(attempts)} looks were right"
    seen = finding.evidence
    return type(finding)(
        said if len(attempts) > 1 else finding.seen,
        expected=finding.expected,
        where=finding.where,
        remedy=finding.remedy,
        evidence=_with_attempts(seen, attempts, "") if seen is not None else None,
        severity=finding.severity,
        symptom=finding.symptom,
    )
