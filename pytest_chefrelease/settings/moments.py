"""Value types of release.toml that speak of time: zones, hours of the week, days and moments."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

from pytest_chefrelease.settings.values import Table

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? (?P<begin>\d\d:\d\d)-(?P<end>\d\d:\d\d)"
)


class Hours(Table):
    """Hours on some days of the week (0 is Monday); ``end`` is not part of them.

    24:00 is ``time.max``.
    """

    shorthand: ClassVar[tuple[str, ...]] = ()

    days: tuple[int, ...]
    begin: time
    end: time


def parse_hours(value: object) -> Hours:
    """Read ``Mon-Thu 09:00-16:00`` or ``Fri 09:00-12:00``; raise ValueError otherwise."""
    if isinstance(value, Hours):
        return value
    found = _HOURS.fullmatch(" ".join(value.lower().split())) if isinstance(value, str) else None
    try:
        if found is not None:
            days = _days(found["first"], found["last"] or found["first"])
            begin, end = _time(found["begin"]), _time(found["end"])
            if begin < end:
                return Hours(days=days, begin=begin, end=end)
    except ValueError:
        pass  # no such day or hour: the message below says what is allowed
    raise ValueError('days and hours such as "Mon-Thu 09:00-16:00" are allowed')


def _days(first: str, last: str) -> tuple[int, ...]:
    begin, end = _DAYS.index(first), _DAYS.index(last)
    return tuple((begin + n) % 7 for n in range((end - begin) % 7 + 1))


def _time(text: str) -> time:
    return time.max if text == "24:00" else time.fromisoformat(text)


def parse_time_zone(value: object) -> str:
    """The name of a time zone that is known here; raise ValueError otherwise."""
    try:
        return ZoneInfo(value).key if isinstance(value, str) and value else _refuse_zone()
    except (KeyError, ValueError, OSError):
        return _refuse_zone()


def _refuse_zone() -> str:
    raise ValueError("the name of a time zone such as Europe/Berlin is allowed")


def parse_day_or_moment(value: object) -> date | datetime:
    """A date or a date with time, bare as TOML has them; raise ValueError otherwise."""
    if isinstance(value, date):
        return value
    raise ValueError("a date such as 2026-12-24, or 2026-12-24T16:00:00, is allowed")


OfficeHours = Annotated[Hours, BeforeValidator(parse_hours)]
TimeZone = Annotated[str, BeforeValidator(parse_time_zone)]
DayOrMoment = Annotated[datetime | date, BeforeValidator(parse_day_or_moment)]
