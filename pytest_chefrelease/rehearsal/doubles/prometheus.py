"""Prometheus with what it scrapes of ChefCloud's API: answers the instant queries of the gate.

It knows expressions by their shape, and refuses others as Prometheus refuses what it cannot parse.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from pytest_chefrelease.rehearsal.doubles.double import Double, json_answer
from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.rehearsal.site import Site
from pytest_chefrelease.rehearsal.world import World

if TYPE_CHECKING:
    from aiohttp import web

_BOUNDS = ("0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf")
_Vector = list[tuple[dict[str, str], float]]


class State(Struct, frozen=True):
    """What was scraped: instances by whether they are up, and what they counted in the window.

    ``starts`` is how often each process began anew; nothing at all was scraped where there are
    no instances. ``latency_s`` is what every request took.
    """

    instances: dict[str, bool] = field(
        default_factory=lambda: {"10.0.0.7:3001": True, "10.0.0.8:3001": True}
    )
    starts: int = 1
    requests: int = 4_200
    errors: int = 3
    latency_s: float = 0.04
    waiting: int = 0


def build(_: World) -> Site:
    """The double of the Prometheus that scrapes production."""
    return Double("prometheus", State(), {"/api/v1/query": _query})


def _query(state: State, request: web.Request) -> web.Response:
    promql = request.query.get("query", "")
    for shape, answer in _SHAPES:
        if re.match(shape, promql):
            vector = answer(state) if state.instances else []
            return json_answer(_success(vector))
    refusal = {"status": "error", "errorType": "bad_data", "error": f"unknown: {promql}"}
    return json_answer(refusal, status=400)


def _success(vector: _Vector) -> Json:
    now = time.time()
    result: Sequence[Json] = [
        {"metric": labels, "value": [now, f"{value:g}"]} for labels, value in vector
    ]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def _up(state: State) -> _Vector:
    return [({"instance": name}, float(is_up)) for name, is_up in state.instances.items()]


def _starts(state: State) -> _Vector:
    return [({"instance": name}, float(state.starts)) for name in state.instances]


def _waiting(state: State) -> _Vector:
    return [({"instance": name}, float(state.waiting)) for name in state.instances]


def _buckets(state: State) -> _Vector:
    return [
        ({"le": bound}, float(state.requests if state.latency_s <= float(bound) else 0))
        for bound in _BOUNDS
    ]


_SHAPES: tuple[tuple[str, Callable[[State], _Vector]], ...] = (
    (r"up\{", _up),
    (r"changes\(process_start_time_seconds\{", _starts),
    (r"min_over_time\(prisma_client_queries_wait\{", _waiting),
    (r'sum\(increase\(http_requests_total\{.*status=~"5', lambda s: [({}, float(s.errors))]),
    (r"sum\(increase\(http_requests_total\{", lambda s: [({}, float(s.requests))]),
    (r"sum by \(le\) \(increase\(http_request_duration_seconds_bucket\{", _buckets),
)
