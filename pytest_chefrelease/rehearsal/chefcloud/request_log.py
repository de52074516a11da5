"""The API's log as pino writes it: one JSON object for each line."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import TextIO

from msgspec import Struct

_INFO, _WARN, _ERROR = 30, 40, 50
_SILENCED = frozenset({"/health", "/healthz", "/readiness", "/metrics"})
"""LOG_SILENCE_HEALTH and LOG_SILENCE_METRICS are on in production."""


class Served(Struct, frozen=True):
    """One request and how it was answered; ``duration_s`` is the time taken in seconds."""

    request_id: str
    method: str
    path: str
    status: int
    duration_s: float
    error: str | None = None
    agent: str = ""


class RequestLog:
    """Appends to one log file; each line is on disk when ``write`` returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("a", encoding="utf-8", buffering=1)
        self._constant = {"pid": os.getpid(), "hostname": socket.gethostname()}

    def request(self, served: Served) -> None:
        """Log one request, unless it is a successful one of those that production silences."""
        if served.path in _SILENCED and served.status < 500:
            return
        level = _ERROR if served.status >= 500 else _WARN if served.status >= 400 else _INFO
        fields: dict[str, object] = {
            "req": {
                "id": served.request_id,
                "method": served.method,
                "url": served.path,
                "headers": {"user-agent": served.agent},
            },
            "res": {"statusCode": served.status},
            "responseTime": round(served.duration_s * 1000),
        }
        if served.error:
            fields["err"] = {"type": "Error", "message": served.error}
        self.write(level, "request errored" if served.error else "request completed", fields)

    def write(self, level: int, message: str, fields: dict[str, object]) -> None:
        """Log a message with fields."""
        line = {"level": level, "time": round(time.time() * 1000), **self._constant, **fields}
        self._file.write(json.dumps(line | {"msg": message}, separators=(",", ":")) + "\n")

    def take(self, lines: str) -> None:
        """Append whole lines as they are."""
        self._file.write(lines)

    def begin_anew(self, lines: str) -> None:
        """Forget what was logged, and begin with these lines."""
        self._file.truncate(0)
        self.take(lines)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
