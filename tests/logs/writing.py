"""Log lines as applications write them, for tests to put into real files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from pytest_chefrelease.probes.logs.files import FileReading
from pytest_chefrelease.probes.logs.source import Window

T0 = int(datetime(2026, 11, 24, 10, 30, tzinfo=UTC).timestamp() * 1000)
"""The deploy, in milliseconds since 1970."""


def pino(at_s: float, status: int = 200, url: str = "/pos/orders/17", **more: object) -> str:
    """A line of pino-http's, so many seconds after the deploy."""
    fields: dict[str, object] = {
        "level": 50 if status >= 500 else 40 if status >= 400 else 30,
        "time": T0 + round(at_s * 1000),
        "pid": 42,
        "hostname": "api-1",
        "req": {"id": "r", "method": "GET", "url": url, "headers": {"user-agent": "Mozilla/5.0"}},
        "res": {"statusCode": status},
        "responseTime": 12,
        "msg": "request errored" if status >= 500 else "request completed",
    }
    return json.dumps(fields | more, separators=(",", ":")) + "\n"


def many(count: int, start_s: float, gap_s: float = 0.1, **given: object) -> str:
    """So many lines, one every ``gap_s``."""
    return "".join(pino(start_s + n * gap_s, **given) for n in range(count))  # type: ignore[arg-type]


def reading(path: Path | str, start_s: float = 0, end_s: float | None = None) -> FileReading:
    """The reading of a glob, from so many seconds after the deploy on."""
    end = Window(0).end_ms if end_s is None else T0 + round(end_s * 1000)
    return FileReading(str(path), Window(T0 + round(start_s * 1000), end))
