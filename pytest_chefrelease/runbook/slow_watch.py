"""P95 over a watch, decided while it goes on: a sequential test, and one look at the end.

During the watch each ten requests are a look: is the share over the limit 5 %, as it may be,
or twice that? At the end the whole sample is judged once, as any sample is. The chance of a
wrong FAIL is spent half on the looks and half on the end, so it does not grow with the looks.

Slowness that was found and went by again is no failure where the whole watch *and* its last
part are each proven to be under the limit.

Source: CATALOG.md, "Rules for P95" and "The watch"; ``sequential`` for the test.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from pytest_chefrelease.runbook.p95 import SHARE, Bounds, Judgement, bounds
from pytest_chefrelease.runbook.sequential import Suspicion, share_log_ratio

ERROR = 0.02
"""The chance of a wrong FAIL among all endpoints, over a whole watch."""

PER_LOOK = 10
"""Requests between two looks."""

_GREEN_END_S = 300.0


class Following(Struct, frozen=True):
    """One endpoint while it is watched: its requests, in the order of the schedule.

    ``found_at`` is after how many requests it was certain that too many are over the limit.
    """

    suspicion: Suspicion
    n: int = 0
    over: int = 0
    in_look: int = 0
    found_at: int | None = None

    @classmethod
    def of(cls, planned: int, endpoints: int) -> Following:
        """At the beginning of a watch with so many requests to each endpoint."""
        looks = max(1, -(-planned // PER_LOOK))
        return cls(Suspicion(looks, ERROR / 2 / max(endpoints, 1)))

    def after(self, *, is_over: bool) -> Following:
        """With one more request."""
        n, over = self.n + 1, self.over + is_over
        in_look = self.in_look + is_over
        if n % PER_LOOK or self.found_at is not None:
            return Following(self.suspicion, n, over, in_look, self.found_at)
        ratio = share_log_ratio(PER_LOOK, in_look, SHARE, 2 * SHARE)
        suspicion = self.suspicion.after(ratio)
        return Following(suspicion, n, over, found_at=n if suspicion.is_certain else None)


class Watched(Struct, frozen=True):
    """What a whole watch says.

    ``found_at`` is after how many requests slowness was certain, ``last`` how many requests
    the part has that must be well again.
    """

    judgement: Judgement
    found_at: int | None
    last: int

    @property
    def recovered(self) -> bool:
        """Whether slowness was found, and went by again."""
        return self.found_at is not None and self.judgement is Judgement.UNDER


def at_end(planned: int, endpoints: int) -> Bounds:
    """The bounds of the one look at the end."""
    return bounds(planned, over_error=ERROR / 2 / max(endpoints, 1))


def judge(
    over: Sequence[bool],
    planned: int,
    endpoints: int,
    length_s: float,
    slow: Sequence[bool] | None = None,
) -> Watched:
    """Judge a watch of ``length_s`` with ``planned`` requests, of which there may be fewer.

    ``over`` tells of each request, in the order of the schedule, whether it was over; ``slow``
    whether it was so without the prober's own lateness, by default the same. Only those are
    looked at on the way: a prober that stands still for two seconds is late with twenty requests
    in a row, which is nothing beside a watch's P95, and looks like a server that is slow.
    """
    following = Following.of(planned, endpoints)
    for each in over if slow is None else slow:
        following = following.after(is_over=each)
    whole = Judgement.UNDECIDED
    if len(over) >= planned:
        whole = at_end(planned, endpoints).judge(sum(over[:planned]))
    last = int(planned * min(_GREEN_END_S / length_s, 1 / 3)) if length_s else 0
    if following.found_at is None:
        return Watched(whole, None, last)
    ended_well = whole is Judgement.UNDER and last > 0
    if ended_well and bounds(last).judge(sum(over[-last:])) is Judgement.UNDER:
        return Watched(whole, following.found_at, last)
    return Watched(Judgement.OVER, following.found_at, last)
