"""Locust's statistics: the file that ``locust --headless --json-file NAME`` writes at its end.

With a master and workers it is the master that writes it, for all of them together.
Source: locust.stats, ``StatsEntry`` and ``save_stats_json`` of Locust 2.32 to 2.47.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pytest_chefrelease.errors import Malformed, NotConfigured, Unreachable
from pytest_chefrelease.runbook.load_test import Entry

_LARGEST = 64 * 1024 * 1024
_REMEDY = (
    "Let Locust's master run with --headless --json-file, and name its file by latency.locust."
)
_FORM = "the statistics of locust --json-file"


def read_statistics(path: Path) -> list[Entry]:
    """Every entry, one per method and name.

    Raises NotConfigured where there is no such file, Unreachable where it cannot be read, and
    Malformed where it is something else, half a file, or counts that cannot be.
    """
    where = str(path)
    try:
        if path.stat().st_size > _LARGEST:
            raise Malformed("the file is over 64 MB", expected=_FORM, where=where, remedy=_REMEDY)
        found = msgspec.json.decode(path.read_bytes(), type=list[Entry])
    except FileNotFoundError:
        raise NotConfigured("Locust has left no statistics", where=where, remedy=_REMEDY) from None
    except OSError as error:
        raise Unreachable(f"{error.strerror}", where=where, remedy=_REMEDY) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(str(error)[:200], expected=_FORM, where=where, remedy=_REMEDY) from None
    for entry in found:
        if wrong := entry.contradiction:
            raise Malformed(
                f"{entry.method} {entry.name[:200]}: {wrong}",
                expected=_FORM,
                where=where,
                remedy=_REMEDY,
            )
    return found


def moment(seconds: float, path: Path) -> datetime:
    """A time that Locust tells. Raises Malformed where there is no such time."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        raise Malformed(
            f"{seconds:g} is no time", expected=_FORM, where=str(path), remedy=_REMEDY
        ) from None
