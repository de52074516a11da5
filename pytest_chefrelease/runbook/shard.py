"""Shards: a stage run in parts, on several machines, that have one verdict together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Self

from msgspec import Struct

_FORM = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})")


class Shard(Struct, frozen=True):
    """Part ``number`` of ``total``, counted from 1, written ``2/5``."""

    number: int
    total: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``2/5``. Raises ValueError with what is allowed."""
        found = _FORM.fullmatch(text.strip())
        if found is None or int(found[1]) > int(found[2]):
            raise ValueError("a part of a whole such as 2/5 is allowed")
        return cls(int(found[1]), int(found[2]))

    def takes(self, position: int) -> bool:
        """Whether the check at this position (from 0) of the whole list is this shard's.

        Dealt like cards, so that the gravest, which stand together, are spread over all.
        """
        return position % self.total == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"


def gaps(shards: Sequence[Shard]) -> tuple[str, ...]:
    """What is missing of the whole, in words: ``shard 3 of 5``; also totals that differ."""
    totals = sorted({shard.total for shard in shards})
    if len(totals) > 1:
        said = " and ".join(map(str, totals))
        return (f"one number of shards (they speak of {said})",)
    present = {shard.number for shard in shards}
    return tuple(
        f"shard {number} of {total}"
        for total in totals
        for number in range(1, total + 1)
        if number not in present
    )


def twice(shards: Iterable[Shard]) -> tuple[Shard, ...]:
    """Shards that are there more than once."""
    seen: set[Shard] = set()
    again: dict[Shard, None] = {}
    for shard in shards:
        if shard in seen:
            again[shard] = None
        seen.add(shard)
    return tuple(again)
