"""Latency while it is watched: slowness is called out when it is certain, not at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.probes.prober import Endpoint, Sample, Shot
from pytest_chefrelease.runbook import p95
from pytest_chefrelease.runbook.evidence import Timeline
from pytest_chefrelease.runbook.outcome import Outcome
from pytest_chefrelease.runbook.slow_watch import Following, Watched


def is_over(shot: Shot, limit_ms: float) -> bool:
    """Whether a request was at the limit or over it; one that failed always is."""
    return bool(shot.error) or shot.ms >= limit_ms


def is_slow(shot: Shot, limit_ms: float) -> bool:
    """Whether a request was over by what the server did: without the prober's own lateness."""
    if shot.error:
        return shot.late_ms < limit_ms
    return shot.ms - shot.late_ms >= limit_ms


def own_ms(shots: Sequence[Shot], limit_ms: float) -> float:
    """The prober's own part of P95 where it is too much, else 0."""
    latencies = [None if shot.error else shot.ms for shot in shots]
    own = p95.own_part_ms(latencies, [shot.late_ms for shot in shots])
    return own if p95.is_too_late(own, p95.quantiles(latencies).p95_ms, limit_ms) else 0.0


@dataclass(slots=True)
class Lookout:
    """Follows a watch's sample. ``names`` are the endpoints that are measured.

    Requests are taken by the schedule, not as answers come: slow ones come late, and what
    has come by any moment looks faster than it is.
    """

    look: Context
    names: dict[Endpoint, str]
    planned: int
    limit_ms: float
    _following: dict[Endpoint, Following] = field(default_factory=dict)
    _early: dict[Endpoint, dict[int, bool]] = field(default_factory=dict)
    _taken: int = 0

    def see(self, sample: Sample) -> None:
        """Take what is new in a growing sample, and call out what is newly certain."""
        new, self._taken = sample.shots[self._taken :], len(sample.shots)
        for shot in new:
            self._early.setdefault(shot.endpoint, {})[shot.turn] = is_slow(shot, self.limit_ms)
        for place in {shot.endpoint for shot in new} & self.names.keys():
            before = self._following.get(place) or Following.of(self.planned, len(self.names))
            now = self._advance(place, before)
            self._following[place] = now
            if now.found_at is not None and before.found_at is None:
                self._call_out(place, now, sample)

    def seen(self, place: Endpoint) -> int:
        """How many requests to an endpoint were judged, all before them having come back."""
        following = self._following.get(place)
        return following.n if following else 0

    def _advance(self, place: Endpoint, following: Following) -> Following:
        early = self._early[place]
        while following.n in early:
            following = following.after(is_over=early.pop(following.n))
        return following

    def _call_out(self, place: Endpoint, now: Following, sample: Sample) -> None:
        shots = [shot for shot in sample.shots if shot.endpoint == place]
        watch = self.look.watch
        if watch is None or own_ms(shots, self.limit_ms):
            return  # slow was the prober itself: the end will say so
        label = f"latency.p95[{self.names[place]}]"
        seen = f"{now.over} of {now.n} requests at {self.limit_ms:g} ms or over"
        watch.signals.measures(label, seen, watch.elapsed_s, Outcome.FAILED.value)
        self.look.say(f"{label} is slow, {watch.elapsed_s:.0f} s into the watch: {seen}")


def stand(watched: Watched, shots: Sequence[Shot]) -> str:
    """What is added to the figures of a watch: when slowness was found, and whether it passed."""
    if watched.found_at is None:
        return ""
    found_s = shots[watched.found_at - 1].at_s
    until = f"; recovered, the last {watched.last} requests are well" if watched.recovered else ""
    return f"; slow for certain {found_s:.0f} s into the watch{until}"


def timeline(label: str, watched: Watched, shots: Sequence[Shot], length_s: float) -> Timeline:
    """When the endpoint was found slow, and from when it was well again for certain."""
    marks = [(0.0, Outcome.PASSED.value, "not slow for certain")]
    if watched.found_at is not None:
        found_s = shots[watched.found_at - 1].at_s
        marks.append((found_s, Outcome.FAILED.value, "slow for certain"))
    if watched.recovered:
        marks.append((shots[-watched.last].at_s, Outcome.PASSED.value, "well to the end"))
    return Timeline(f"{label} over the watch", length_s, tuple(marks))
