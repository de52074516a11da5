"""What a stretch of logs comes to: requests and errors by minute, and groups with examples.

A tally is made in one pass at constant memory, can cross a process, and is added to others.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

MOST_GROUPS = 500
MOST_ROUTES = 500
OTHERS = "(others)"
_EXAMPLES = 3


class Minute(msgspec.Struct):
    """One minute: requests answered, of them 5xx, of them refused (401) to others than us.

    ``own`` are those of the requests, and ``own_errors`` those of the 5xx, that this suite
    made itself, as far as the log tells who asked.
    """

    requests: int = 0
    errors: int = 0
    refused: int = 0
    own: int = 0
    own_errors: int = 0

    def add(self, other: Minute) -> None:
        """Take in another minute."""
        self.requests += other.requests
        self.errors += other.errors
        self.refused += other.refused
        self.own += other.own
        self.own_errors += other.own_errors

    @property
    def of_others(self) -> Minute:
        """What others than this suite asked."""
        return Minute(self.requests - self.own, self.errors - self.own_errors, self.refused)


class Group(msgspec.Struct):
    """Lines that say the same; times are in milliseconds since 1970."""

    count: int
    first_ms: int
    last_ms: int
    examples: list[str] = []

    def add(self, other: Group) -> None:
        """Take in the lines of another group of the same key."""
        self.count += other.count
        self.first_ms = min(self.first_ms, other.first_ms)
        self.last_ms = max(self.last_ms, other.last_ms)
        self.examples = [*self.examples, *other.examples][:_EXAMPLES]


class Tally(msgspec.Struct):
    """All that checks ask of a stretch of logs.

    ``minutes`` is by minutes since 1970. ``errors`` groups 5xx by route, status and message
    (one text, parts by tab), ``messages`` what was logged as an error or looks like a crash,
    by template. ``latency`` has for each route (``GET /pos/orders/:id``) how many answers took
    so many milliseconds, to three digits. ``unreadable`` lines are in no form that is known,
    ``oversized`` ones too long to be read.
    """

    lines: int = 0
    requests: int = 0
    unreadable: int = 0
    oversized: int = 0
    first_ms: int = 0
    last_ms: int = 0
    minutes: dict[int, Minute] = {}
    errors: dict[str, Group] = {}
    messages: dict[str, Group] = {}
    latency: dict[str, dict[int, int]] = {}

    @property
    def server_errors(self) -> int:
        """How many requests were answered with 5xx."""
        return sum(minute.errors for minute in self.minutes.values())

    @property
    def refused(self) -> int:
        """How many requests of others than this suite were answered with 401."""
        return sum(minute.refused for minute in self.minutes.values())

    @property
    def own(self) -> int:
        """How many requests this suite made itself."""
        return sum(minute.own for minute in self.minutes.values())

    def at(self, ms: int) -> Minute:
        """The minute of a time, made when it is the first of its minute."""
        key = ms // 60_000
        if key not in self.minutes:
            self.minutes[key] = Minute()
        return self.minutes[key]

    def note_time(self, first_ms: int, last_ms: int) -> None:
        """Widen what the tally spans."""
        self.first_ms = min(self.first_ms or first_ms, first_ms)
        self.last_ms = max(self.last_ms, last_ms)

    def note_latency(self, route: str, histogram: Mapping[int, int] | Mapping[float, int]) -> None:
        """Add answers of a route: how many took so many milliseconds."""
        if route not in self.latency and len(self.latency) >= MOST_ROUTES:
            route = OTHERS
        known = self.latency.setdefault(route, {})
        for exact, count in histogram.items():
            ms = three_digits(exact)
            known[ms] = known.get(ms, 0) + count

    def add(self, other: Tally) -> None:
        """Take in another tally."""
        for name in ("lines", "requests", "unreadable", "oversized"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.last_ms:
            self.note_time(other.first_ms, other.last_ms)
        for key, minute in other.minutes.items():
            self.minutes.setdefault(key, Minute()).add(minute)
        for groups, others in ((self.errors, other.errors), (self.messages, other.messages)):
            for name, group in others.items():
                note_group(groups, name, group)
        for route, histogram in other.latency.items():
            self.note_latency(route, histogram)


def note_group(groups: dict[str, Group], name: str, group: Group) -> None:
    """Add a group under its name, or to the rest when there are too many names."""
    if name not in groups and len(groups) >= MOST_GROUPS:
        name = OTHERS
    if name in groups:
        groups[name].add(group)
    else:
        groups[name] = group


def three_digits(ms: float) -> int:
    """Milliseconds to three digits, so that a histogram stays small: off by 0.5 % at most."""
    whole = round(ms)
    if whole < 1_000:
        return max(whole, 0)
    step = int("1" + "0" * (len(str(whole)) - 3))
    return whole // step * step


def quantile_ms(histogram: Mapping[int, int], share: float) -> int:
    """The quantile of a histogram that is not empty, by nearest rank."""
    rank = max(1, -(-round(sum(histogram.values()) * share * 1000) // 1000))
    seen = 0
    for ms in sorted(histogram):
        seen += histogram[ms]
        if seen >= rank:
            return ms
    raise ValueError("an empty histogram has no quantile")
