"""Visitors: what a restaurant's staff leaves in the API's log, before a deploy and after it.

Only their lines are made: nobody connects, so that they take no time from what is measured.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

_A_SECOND = 3.0
_HOUR_S = 3_600.0
_EVERY_S = 0.5
_AGENTS = (
    "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 ChefPOS/3.2",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36 Kitchen/2",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36",
)
_USUAL = (
    (30, "GET", "/pos/orders", 200, 14),
    (18, "GET", "/pos/orders/{id}", 200, 9),
    (16, "POST", "/pos/orders", 201, 31),
    (12, "GET", "/pos/menu/categories", 200, 6),
    (10, "GET", "/inventory/items", 200, 18),
    (5, "GET", "/workforce/employees", 200, 11),
    (3, "POST", "/auth/msr-swipe", 201, 44),
    (2, "POST", "/auth/login", 401, 61),
    (2, "GET", "/pos/orders/{id}", 404, 7),
    (1, "POST", "/pos/orders", 422, 8),
    (1, "POST", "/auth/login", 201, 66),
)
"""Of a hundred requests: how many, of what, answered how, in a median of milliseconds."""
_WEIGHTS = [weight for weight, *_ in _USUAL]
_PRINTER_S = 240.0
_ERRORS_AGO_S = (3_050.0, 1_830.0)


def request_line(at_s: float, method: str, path: str, status: int, took_ms: int = 12) -> str:
    """A visitor's request at a time in seconds since 1970, as pino-http logs it."""
    level = 50 if status >= 500 else 40 if status >= 400 else 30
    number = round(at_s * 1000)
    line = {
        "level": level,
        "time": number,
        "pid": 7,
        "hostname": "chefcloud-api-1",
        "req": {
            "id": f"{number:x}-{number % 9973:04x}",
            "method": method,
            "url": path,
            "headers": {"user-agent": _AGENTS[number % len(_AGENTS)]},
            "remoteAddress": f"10.20.{number % 4}.{number % 200}",
        },
        "res": {"statusCode": status},
        "responseTime": took_ms,
        "msg": "request errored" if status >= 500 else "request completed",
    }
    return json.dumps(line, separators=(",", ":")) + "\n"


def message_line(at_s: float, message: str, level: int = 50) -> str:
    """Something that the application has to say of itself."""
    line = {"level": level, "time": round(at_s * 1000), "pid": 7, "hostname": "chefcloud-api-1"}
    return json.dumps(line | {"msg": message}, separators=(",", ":")) + "\n"


def usual(chance: random.Random, begin_s: float, end_s: float) -> Iterator[str]:
    """What is usual of a stretch of time: about three requests a second, a printer that is off."""
    for number in range(int(begin_s * _A_SECOND), int(end_s * _A_SECOND)):
        at_s = number / _A_SECOND
        _, method, path, status, median_ms = chance.choices(_USUAL, _WEIGHTS)[0]
        took_ms = max(1, round(median_ms * chance.lognormvariate(0.0, 0.5)))
        path = path.format(id=chance.randrange(7_000, 9_000))
        yield request_line(at_s, method, path, status, took_ms)
        if number % round(_PRINTER_S * _A_SECOND) == 0:
            kitchen = chance.randrange(1, 5)
            said = f"printer kitchen-{kitchen} unreachable: connect EHOSTUNREACH 10.0.3.{kitchen}:9"
            yield message_line(at_s, said)


def last_hour(now_s: float) -> str:
    """The log of the hour before now, with two errors in it: no release is without any."""
    chance = random.Random(15)
    errors = {
        now_s - ago: request_line(now_s - ago, "POST", "/pos/orders", 500) for ago in _ERRORS_AGO_S
    }
    lines: list[str] = []
    edges = [now_s - _HOUR_S, *sorted(errors), now_s]
    for begin_s, end_s in pairwise(edges):
        lines += usual(chance, begin_s, end_s)
        lines.append(errors.get(end_s, ""))
    return "".join(lines)


async def come(write: Callable[[str], None], are_there: Callable[[], bool]) -> None:
    """Write the visitors' lines twice a second, while there are any, until cancelled."""
    chance = random.Random()
    before_s = time.time()
    while True:
        await asyncio.sleep(_EVERY_S)
        now_s = time.time()
        if are_there():
            write("".join(usual(chance, before_s, now_s)))
        before_s = now_s
