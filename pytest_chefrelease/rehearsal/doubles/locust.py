"""What Locust has left behind of a run: statistics in the form of its ``--json-file``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct, field

_USUAL = {"/health": 20, "/inventory/items": 60}
_REQUESTS = 2_000


class Load(Struct, frozen=True):
    """A run: what answers took in milliseconds by path, and how long ago it was.

    ``source`` is what ``latency.source`` says; Locust is a second witness unless named there.
    """

    took_ms: Mapping[str, int] = field(default_factory=lambda: dict(_USUAL))
    age: timedelta = timedelta()
    source: str = "probe"

    def statistics(self, now_s: float) -> str:
        """The file's text; all requests fell into the second that ended it."""
        at = now_s - self.age.total_seconds()
        return json.dumps(
            [
                {
                    "name": path,
                    "method": "GET",
                    "last_request_timestamp": at,
                    "start_time": at,
                    "num_requests": _REQUESTS,
                    "num_none_requests": 0,
                    "num_failures": 0,
                    "total_response_time": _REQUESTS * took,
                    "max_response_time": took,
                    "min_response_time": took,
                    "total_content_length": 0,
                    "response_times": {str(took): _REQUESTS},
                    "num_reqs_per_sec": {str(int(at)): _REQUESTS},
                    "num_fail_per_sec": {},
                }
                for path, took in self.took_ms.items()
            ]
        )
