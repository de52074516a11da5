"""What was examined, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_chefrelease.doctor.examine import Examined, State
from pytest_chefrelease.doctor.plan import few

_SIGN = {State.THERE: "ok ", State.MISSING: "-- ", State.NOT_USED: "   "}


def tell(examined: Sequence[Examined]) -> str:
    """One line for what is there; for what is missing also what to do, and what waits for it."""
    return "\n".join(_lines(examined))


def _lines(examined: Sequence[Examined]) -> Iterator[str]:
    for each in examined:
        yield f"{_SIGN[each.state]} {each.source.name}: {each.seen}"
        if each.state is State.MISSING:
            yield f"      {each.remedy}"
            yield f"      would unlock {few(each.unlocks)}"
    missing = [each for each in examined if each.state is State.MISSING]
    there = sum(each.state is State.THERE for each in examined)
    if not missing:
        yield f"All {there} sources are there."
        return
    waiting = {item for each in missing for item in each.unlocks}
    yield f"{there} sources are there, {len(missing)} are not: {len(waiting)} items wait for them."
