"""What this gate said of earlier releases, and whether what came of them proves it right.

An item that blocks again and again, and is overruled each time without harm, teaches people
to overrule the gate. One that blocked what then went wrong has earned its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

ENOUGH = 3
"""So many judged blocks of one item say something about it; fewer are an accident."""


class Became(StrEnum):
    """What came of a release, as a person says it."""

    GOOD = "good"
    ROLLED_BACK = "rolled-back"
    INCIDENT = "incident"


class Heard(Struct, frozen=True):
    """One check's outcome in one earlier run; ``run`` numbers runs in their order in time.

    ``blocked``: it made that run NO-GO. ``would_block``: it would have, if it were not shadow.
    """

    run: int
    version: str
    stage: str
    item: str
    label: str
    passed: bool = False
    blocked: bool = False
    would_block: bool = False


class Tally(Struct, frozen=True):
    """In how many releases an item blocked, and how often rightly.

    Rightly: the release was mended until the item passed, or went out and failed. Wrongly: it
    went out as it was, and was good. Open: nobody has said yet. ``shadow`` counts releases
    that it would have blocked.
    """

    item: str
    blocked: int = 0
    rightly: int = 0
    wrongly: int = 0
    shadow: int = 0

    @property
    def undecided(self) -> int:
        """Blocks of which nobody can say yet whether they were right."""
        return self.blocked + self.shadow - self.rightly - self.wrongly

    @property
    def cries_wolf(self) -> bool:
        """Whether it was judged often enough, and was wrong more often than right."""
        return self.rightly + self.wrongly >= ENOUGH and self.wrongly > self.rightly


def tallies(heard: Iterable[Heard], became: Mapping[str, Became]) -> list[Tally]:
    """One tally for each item that blocked, or would have; the most frequent first."""
    runs = sorted(heard, key=lambda one: one.run)
    by_case: dict[tuple[str, str], list[Heard]] = {}
    for one in runs:
        by_case.setdefault((one.item, one.version), []).append(one)
    found: dict[str, Tally] = {}
    for (item, version), case in by_case.items():
        if any(one.blocked or one.would_block for one in case):
            tally = found.get(item, Tally(item))
            found[item] = _counted(tally, case, became.get(version))
    return sorted(found.values(), key=lambda t: (-t.blocked, -t.shadow, t.item))


def _counted(tally: Tally, case: Sequence[Heard], became: Became | None) -> Tally:
    """The tally with one more release. A release counts once, however often it was tried."""
    blocked = any(one.blocked for one in case)
    is_right = _was_mended(case) or became in (Became.ROLLED_BACK, Became.INCIDENT)
    is_wrong = not is_right and became is Became.GOOD
    return replace(
        tally,
        blocked=tally.blocked + blocked,
        shadow=tally.shadow + (not blocked),
        rightly=tally.rightly + is_right,
        wrongly=tally.wrongly + is_wrong,
    )


def _was_mended(case: Sequence[Heard]) -> bool:
    """Whether every check that blocked passed later on, in the same stage of the same release."""
    last_block = {(o.label, o.stage): o.run for o in case if o.blocked}
    last_pass = {(o.label, o.stage): o.run for o in case if o.passed}
    return bool(last_block) and all(
        last_pass.get(check, run) > run for check, run in last_block.items()
    )
