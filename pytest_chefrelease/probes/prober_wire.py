"""What the prober and its process say to each other: one JSON object a line."""

from __future__ import annotations

import msgspec

Endpoint = int
"""An endpoint's place in ``Batch.urls``."""


class Lane(msgspec.Struct, frozen=True):
    """Endpoints of one host, asked in turn: one request every ``gap_s`` seconds."""

    gap_s: float
    endpoints: tuple[Endpoint, ...]


class Batch(msgspec.Struct, frozen=True):
    """``count`` requests to each endpoint of each lane.

    ``accepted`` are statuses of 400 and more that are right, by endpoint. ``timeout_s``
    counts from a request's place in the schedule.
    """

    urls: tuple[str, ...]
    lanes: tuple[Lane, ...]
    count: int
    timeout_s: float
    max_body_bytes: int
    accepted: dict[Endpoint, tuple[int, ...]] = {}


class Shot(msgspec.Struct, frozen=True, array_like=True):
    """One request.

    ``at_s`` is its place in the schedule, in seconds since the prober's first request;
    ``late_ms`` is the prober's own lateness: from there until it handed the request to the
    network, and from the earliest time that the answer can have come until it noted it;
    ``ms`` is the time from its place in the schedule to the end of the answer, or until it
    failed; ``status`` is 0 without an answer; ``error`` is empty unless it failed; ``turn``
    counts the endpoint's requests by the schedule, from 0: answers come in another order.
    """

    endpoint: Endpoint
    at_s: float
    late_ms: float
    ms: float
    status: int
    error: str = ""
    turn: int = 0


class Stop(msgspec.Struct, frozen=True):
    """Why an endpoint was asked no further: errors rose, or the server said 429."""

    reason: str
    is_rate_limit: bool = False
    retry_after: str = ""


class Report(msgspec.Struct, frozen=True):
    """What happened since the last report.

    ``cpu_s`` is the processor time since the first request.
    """

    shots: list[Shot]
    stops: dict[Endpoint, Stop]
    is_last: bool
    cpu_s: float
