"""Times as logs write them, in milliseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_ACCESS = re.compile(r"(\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})")
LEADING = re.compile(rb"\s*\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)")
"""A time at the beginning of a line of text."""
_LARGEST = 1e19


def from_number(value: float) -> int:
    """Seconds, milliseconds, microseconds or nanoseconds: what lies in our century. 0 if none."""
    if not 0 < value < _LARGEST:
        return 0
    for unit_ms in (1000.0, 1.0, 1e-3, 1e-6):
        ms = value * unit_ms
        if 9e11 <= ms < 5e12:  # 1998 to 2128
            return int(ms)
    return 0


@lru_cache(maxsize=1024)
def from_text(text: str) -> int:
    """ISO 8601 (without a zone: UTC), or a number in quotes. 0 where it is neither."""
    try:
        time = datetime.fromisoformat(text.strip().replace(",", "."))
    except ValueError:
        pass
    else:
        return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
    try:
        return from_number(float(text))
    except ValueError:
        return 0


@lru_cache(maxsize=1024)
def from_access_log(text: str) -> int:
    """``24/Nov/2026:10:30:00 +0100``. 0 where it is none."""
    found = _ACCESS.fullmatch(text)
    month = _MONTHS.get(found.group(2).lower()) if found else None
    if found is None or month is None:
        return 0
    day, _, year, hour, minute, second, zone = found.groups()
    return from_text(f"{year}-{month:02d}-{day}T{hour}:{minute}:{second}{zone[:3]}:{zone[3:]}")
