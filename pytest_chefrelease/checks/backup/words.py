"""Times and sizes in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_SIZES = ("bytes", "kB", "MB", "GB", "TB")


def span(time: timedelta) -> str:
    """In its two largest units: ``3 h 20 min``."""
    rest, parts = int(time.total_seconds()), list[str]()
    for unit, seconds in _UNITS:
        if rest >= seconds and len(parts) < 2:
            parts.append(f"{rest // seconds} {unit}")
            rest %= seconds
    return " ".join(parts) or "0 s"


def moment(time: datetime) -> str:
    """``2026-11-24 03:10 UTC``; with its own zone where UTC has no such time (year 1 or 9999)."""
    try:
        return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except OverflowError:
        return time.isoformat(sep=" ", timespec="minutes")


def size(count: float) -> str:
    """``12.4 MB``, by thousands."""
    number = 0
    while count >= 1_000 and number < len(_SIZES) - 1:
        count, number = count / 1_000, number + 1
    return f"{count:.0f} {_SIZES[number]}" if number == 0 else f"{count:.1f} {_SIZES[number]}"
