"""Whether this machine's clock agrees with another's: ages and expiries rest on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from pytest_chefrelease.errors import ProbeError
from pytest_chefrelease.probes.http_answer import Answer

TOLERANCE = timedelta(seconds=60)
"""health.endpoint takes a time stamp of at most a minute."""


def clock_of(answer: Answer) -> str:
    """``clock within 1 s``; empty where the answer has no Date. Raises ProbeError on skew."""
    try:
        there = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return ""
    if there.tzinfo is None:
        there = there.replace(tzinfo=UTC)
    return clock_against(there, answer.observed_at, answer.url)


def clock_against(there: datetime, here: datetime, where: str) -> str:
    """The distance of two clocks in words. Raises ProbeError where it is over a minute."""
    skew = here - there
    seconds = abs(skew.total_seconds())
    if seconds > TOLERANCE.total_seconds():
        way = "ahead of" if skew > timedelta(0) else "behind"
        raise ProbeError(
            f"this machine's clock is {seconds:.0f} s {way} the other's",
            expected="at most 60 s",
            where=where,
            remedy="Set the clock that is wrong (NTP): the age of evidence rests on it.",
        )
    return f"clock within {max(1, round(seconds))} s"
