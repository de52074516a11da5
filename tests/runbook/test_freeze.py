from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.runbook.freeze import WeekHours, Window, frozen_because
from pytest_chefrelease.settings.load import validate

BERLIN = ZoneInfo("Europe/Berlin")
CHRISTMAS = Window(date(2026, 12, 18), date(2027, 1, 2), "Christmas")
OFFICE = (
    WeekHours((0, 1, 2, 3), time(9), time(16)),
    WeekHours((4,), time(9), time(12)),
)


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("2026-12-17T23:30+01:00", None),
        ("2026-12-18T00:30+01:00", "Christmas, until 2027-01-02 (included)"),
        ("2026-12-17T23:30+00:00", "Christmas, until 2027-01-02 (included)"),  # 00:30 in Berlin
        ("2027-01-02T23:59+01:00", "Christmas, until 2027-01-02 (included)"),
        ("2027-01-03T00:00+01:00", None),
    ],
)
def test_a_windows_days_are_those_of_its_time_zone(moment: str, reason: str | None) -> None:
    assert frozen_because(datetime.fromisoformat(moment), [CHRISTMAS], (), BERLIN) == reason


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-23T09:00+01:00", True),
        ("2026-11-23T08:59+01:00", False),
        ("2026-11-23T16:00+01:00", False),
        ("2026-11-23T15:30+00:00", False),  # 16:30 in Berlin
        ("2026-11-27T11:59+01:00", True),
        ("2026-11-27T12:00+01:00", False),
        ("2026-11-28T10:00+01:00", False),
        ("2026-07-06T07:30+00:00", True),  # summer time: 09:30
    ],
)
def test_hours_are_those_of_the_week_and_zone(moment: str, is_open: bool) -> None:  # noqa: FBT001
    reason = frozen_because(datetime.fromisoformat(moment), (), OFFICE, BERLIN)

    assert (reason is None) is is_open
    assert reason is None or reason.endswith("outside the hours for releases")


def test_a_window_may_end_at_a_moment() -> None:
    window = Window(
        datetime(2026, 11, 24, 8, tzinfo=UTC), datetime(2026, 11, 24, 12, tzinfo=UTC), "a fair"
    )

    before, after = (datetime(2026, 11, 24, hour, tzinfo=UTC) for hour in (11, 12))

    assert frozen_because(before, [window], (), BERLIN) == "a fair, until 2026-11-24 12:00"
    assert frozen_because(after, [window], (), BERLIN) is None


@pytest.mark.parametrize(
    ("moment", "is_frozen"),
    [
        ("2026-11-24T07:59:59+01:00", False),
        ("2026-11-24T08:00:00+01:00", True),
        ("2026-11-24T11:59:59+01:00", True),
        ("2026-11-24T12:00:00+01:00", False),
    ],
)
def test_a_moment_without_a_zone_is_of_the_freezes(moment: str, is_frozen: bool) -> None:  # noqa: FBT001
    window = Window(datetime(2026, 11, 24, 8), datetime(2026, 11, 24, 12), "a fair")  # noqa: DTZ001

    reason = frozen_because(datetime.fromisoformat(moment), [window], (), BERLIN)

    assert (reason is not None) is is_frozen


@pytest.mark.parametrize(
    ("freeze", "allowed"),
    [
        ({"time_zone": "Mars/Olympus"}, "time zone such as Europe/Berlin is allowed"),
        ({"hours": ["Mon-Foo 09:00-16:00"]}, "Mon-Thu 09:00-16:00"),
        ({"hours": ["Mon 16:00-09:00"]}, "Mon-Thu 09:00-16:00"),
        (
            {"windows": [{"from": date(2026, 2, 1), "to": date(2026, 1, 1), "reason": "x"}]},
            "ends after it begins",
        ),
        ({"windows": [{"from": "soon", "to": date(2026, 1, 1), "reason": "x"}]}, "a date such as"),
    ],
)
def test_mistakes_in_a_freeze_say_what_is_allowed(freeze: dict[str, object], allowed: str) -> None:
    with pytest.raises(SettingsError, match=allowed):
        validate({"release": {"freeze": freeze}})


def test_hours_wrap_around_the_week_and_to_midnight() -> None:
    settings = validate({"release": {"freeze": {"hours": ["Sat-Mon 20:00-24:00"]}}})

    (hours,) = settings.release.freeze.hours

    assert (hours.days, hours.begin, hours.end) == ((5, 6, 0), time(20), time.max)
