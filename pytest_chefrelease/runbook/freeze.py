"""Whether a moment is one in which releases are made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, tzinfo

from msgspec import Struct

_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Window(Struct, frozen=True):
    """A time without releases, both ends included where they are days."""

    begin: date | datetime
    end: date | datetime
    reason: str


class WeekHours(Struct, frozen=True):
    """Hours on some days of the week (0 is Monday); ``end`` is not part of them."""

    days: tuple[int, ...]
    begin: time
    end: time


def frozen_because(
    moment: datetime, windows: Sequence[Window], hours: Sequence[WeekHours], zone: tzinfo
) -> str | None:
    """Why no release is made at a moment; None where one may be."""
    local = moment.astimezone(zone)
    for window in windows:
        if _begin(window.begin, zone) <= local < _end(window.end, zone):
            return f"{window.reason}, until {_told(window.end)}"
    if hours and not any(_within(local, each) for each in hours):
        return f"{_NAMES[local.weekday()]} {local:%H:%M} is outside the hours for releases"
    return None


def _within(local: datetime, hours: WeekHours) -> bool:
    now = local.time()
    return local.weekday() in hours.days and hours.begin <= now < hours.end


def _begin(day: date | datetime, zone: tzinfo) -> datetime:
    if isinstance(day, datetime):
        return day if day.tzinfo else day.replace(tzinfo=zone)
    return datetime.combine(day, time.min, zone)


def _end(day: date | datetime, zone: tzinfo) -> datetime:
    if isinstance(day, datetime):
        return _begin(day, zone)
    return datetime.combine(day + timedelta(days=1), time.min, zone)


def _told(day: date | datetime) -> str:
    return f"{day:%Y-%m-%d %H:%M}" if isinstance(day, datetime) else f"{day} (included)"
