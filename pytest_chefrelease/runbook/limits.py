"""Limits by which a run judged, so that a later one can tell which of them were loosened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from msgspec import Struct


class Looser(StrEnum):
    """Which way a limit is loosened: a number that grows or shrinks, a list likewise."""

    HIGHER = "higher"
    LOWER = "lower"
    MORE = "more"
    FEWER = "fewer"


class Limit(Struct, frozen=True):
    """One limit by its ``key`` in release.toml: a number, or a list.

    ``unit`` is ``s`` where it counts seconds, ``flag`` where it is 1 for set and 0 for not.
    """

    key: str
    looser: Looser
    value: float | tuple[str, ...]
    unit: str = ""


class Loosened(Struct, frozen=True):
    """A limit that lets through what it did not before; ``entries`` came to a list, or left it."""

    now: Limit
    before: Limit
    entries: tuple[str, ...] = ()


def loosened(now: Sequence[Limit], before: Sequence[Limit]) -> Iterator[Loosened]:
    """The limits of both runs that are looser now; a limit that one did not know is left out."""
    known = {limit.key: limit for limit in before}
    for limit in now:
        then = known.get(limit.key)
        if then is None or then.looser is not limit.looser:
            continue
        match limit.value, then.value:
            case tuple() as these, tuple() as those:
                gone, new = set(those) - set(these), set(these) - set(those)
                entries = new if limit.looser is Looser.MORE else gone
                if entries:
                    yield Loosened(limit, then, tuple(sorted(entries)))
            case (int() | float()) as this, (int() | float()) as that:
                if (this > that) if limit.looser is Looser.HIGHER else (this < that):
                    yield Loosened(limit, then)
