"""When the release went live, where that is told as no time that there is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from pytest_chefrelease.checks.backup.words import moment
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.checks.looking import verify
from tests.probes.loopback import always, answer, serving

EAST, WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-14))


@pytest.mark.parametrize("uptime", ["1e300", "1e999", "NaN", "9" * 400, "-1", '"long"'])
def test_an_uptime_of_no_time_does_not_say_when_the_release_was_deployed(
    tmp_path: Path, uptime: str
) -> None:
    (tmp_path / "shop.dump").write_bytes(b"PGDMP")

    async def go() -> Result:
        async with serving(always(answer(200, f'{{"uptime": {uptime}}}'))) as site:
            tables = {
                "backup": {"path": str(tmp_path / "*.dump")},
                "environments": {"production": {"api": site.url}},
            }
            return await verify("backup.fresh", tables, repository=tmp_path)

    result = asyncio.run(go())

    assert result.outcome is Outcome.UNVERIFIED
    assert result.summary.startswith("it is not known when the release was deployed")


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2026, 11, 24, 3, 10, tzinfo=UTC), "2026-11-24 03:10 UTC"),
        (datetime(2026, 11, 24, 17, 10, tzinfo=EAST), "2026-11-24 03:10 UTC"),
        (datetime(1, 1, 1, tzinfo=EAST), "0001-01-01 00:00+14:00"),
        (datetime(9999, 12, 31, 23, tzinfo=WEST), "9999-12-31 23:00-14:00"),
    ],
)
def test_a_moment_is_told_in_utc_where_utc_has_it(time: datetime, text: str) -> None:
    assert moment(time) == text
