"""Grafana Loki with the log of ChefCloud's production API, as far as a release gate reads it.

A shipper has read the log's file line by line; each line's time is the one that it tells.

Source: Loki's HTTP API, ``GET /loki/api/v1/query_range``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from pytest_chefrelease.rehearsal.doubles.double import Double, Token, json_answer
from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.rehearsal.site import Site
from pytest_chefrelease.rehearsal.world import World

if TYPE_CHECKING:
    from aiohttp import web

PATH = "/loki/api/v1/query_range"
_SELECTOR = re.compile(r'\s*\{\s*app\s*=\s*"([^"]*)"\s*\}\s*')
_MOST_LINES = 5_000
"""``max_entries_limit_per_query`` as Loki is delivered."""

Entry = tuple[int, str, str]
"""Time in nanoseconds since 1970, level, line."""


class State(Struct, frozen=True):
    """``is_shipping``: the shipper reads the log; else Loki has heard of no line."""

    is_shipping: bool = True


def build(world: World) -> Site:
    """The double of the Loki that production's logs are shipped to."""
    log = Path(world.plants["production"].log)
    routes = {PATH: partial(_query_range, log)}
    return Double("loki", State(), routes, Token(world.loki_token, "message"))


def _query_range(log: Path, state: State, request: web.Request) -> web.Response:
    asked = request.query
    selected = _SELECTOR.fullmatch(asked.get("query", ""))
    if selected is None:
        return _refusal("parse error at line 1, col 1: syntax error: unexpected IDENTIFIER")
    limit = int(asked.get("limit", "100"))
    if limit > _MOST_LINES:
        return _refusal(
            "max entries limit per query exceeded, limit > max_entries_limit_per_query "
            f"({limit} > {_MOST_LINES})"
        )
    has_lines = state.is_shipping and selected.group(1) == "api"
    kept = sorted(_entries(log)) if has_lines else []
    inside = [each for each in kept if int(asked["start"]) <= each[0] < int(asked["end"])]
    is_forward = asked.get("direction", "backward") == "forward"
    page = inside[:limit] if is_forward else inside[::-1][:limit]
    return json_answer(_success(page))


def _refusal(reason: str) -> web.Response:
    """Loki refuses in plain text."""
    from aiohttp import web

    return web.Response(text=reason, status=400)


def _entries(log: Path) -> Iterator[Entry]:
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        told = json.loads(line) if line.endswith("}") else {}
        if "time" in told:
            yield told["time"] * 1_000_000, str(told.get("level", "unknown")), line


def _success(page: list[Entry]) -> Json:
    """The lines by stream: each set of labels is one, here one for each level."""
    by_level = groupby(sorted(page, key=itemgetter(1)), key=itemgetter(1))
    streams: list[Json] = [
        {
            "stream": {"app": "api", "environment": "production", "level": level},
            "values": [[str(at_ns), line] for at_ns, _, line in entries],
        }
        for level, entries in by_level
    ]
    data: Json = {"resultType": "streams", "result": streams, "stats": {"summary": _summary(page)}}
    return {"status": "success", "data": data}


def _summary(page: list[Entry]) -> Json:
    return {"totalLinesProcessed": len(page), "totalEntriesReturned": len(page), "queueTime": 0}
