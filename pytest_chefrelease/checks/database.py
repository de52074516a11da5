"""The database under load: connections to spare, nobody stuck, and no leak."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.watching import Watch
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.probes.postgres import APPLICATION_NAME
from pytest_chefrelease.probes.postgres_activity import read_activity
from pytest_chefrelease.runbook.database_sessions import Activity, by_application
from pytest_chefrelease.runbook.evidence import Attachment, Chart, Evidence, Fact, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.runbook.trend import LEAST_POINTS, Trend, trend_of

_SHOWN = 3
_MOST_ROWS = 20
_SIGNIFICANT = 0.01
_LEAST_GROWTH = 3
_LEAST_PART = 0.05
"""Growth that matters: so many connections over the watch, and such a part of the limit."""


class _Problem(Struct, frozen=True):
    """What is wrong, and what to do about it."""

    said: str
    expected: str
    remedy: str


@check(
    Item(
        id="database.connections",
        title="The database has connections to spare, and none is stuck or leaks",
        stages=(Stage.POSTRELEASE, Stage.MONITORING),
        severity=Severity.P2,
        section=Section.MONITORING,
        minimum=Minimum(counts={"connections": 1, "limit": 1}),
        remedy="Find the application that holds them (table below), and end what it left open.",
        signal="connections",
    )
)
async def connections(look: Context) -> Evidence:
    """pg_stat_activity and pg_locks at one moment; over a watch the growth too."""
    database = look.probes.postgres(look.database_url)
    async with database.session() as session:
        activity = await read_activity(session)
    points = _noted(look.watch, activity)
    trend = trend_of(points)
    seen = _evidence(look, activity, points, trend, database.database.where)
    problems = [*_stuck(look, activity), *_full(look, activity), *_growing(activity, trend)]
    if problems:
        raise Failed(
            "; ".join(problem.said for problem in problems),
            expected=problems[0].expected,
            where=seen.source,
            remedy=problems[0].remedy,
            evidence=seen,
        )
    _demand_sight(activity, seen)
    _demand_time(look.watch, seen)
    return seen


def _noted(watch: Watch | None, activity: Activity) -> Sequence[tuple[float, float]]:
    """The number of connections at every look of the watch, this one included; ours left out."""
    if watch is None:
        return ()
    others = sum(one.application != APPLICATION_NAME for one in activity.sessions)
    return watch.note("database.connections", float(others))


def _stuck(look: Context, activity: Activity) -> Iterator[_Problem]:
    settings = look.settings.database
    longest_s = settings.blocked.total_seconds()
    blocked = activity.blocked(longest_s)
    if blocked:
        said = "; ".join(
            f"{activity.described(wait.pid)}, waits {wait.waits_s:.0f} s for a lock of "
            + (" and ".join(map(activity.described, wait.blocked_by)) or "nobody any more")
            for wait in blocked[:_SHOWN]
        )
        root = blocked[0].blocked_by[0] if blocked[0].blocked_by else blocked[0].pid
        yield _Problem(
            f"{_count(len(blocked), 'blocked session')}: {said}",
            f"none blocked longer than {longest_s:g} s",
            f"Ask whose session {root} is; SELECT pg_terminate_backend({root}); ends it.",
        )
    idle_s = settings.idle_in_transaction.total_seconds()
    idle = activity.idle_in_transaction(idle_s)
    if idle:
        said = "; ".join(
            f"{one.named}, {one.state} for {one.state_s:.0f} s" for one in idle[:_SHOWN]
        )
        yield _Problem(
            f"{_count(len(idle), 'open transaction')} in which nothing is done: {said}",
            f"none longer than {idle_s:g} s",
            "It keeps its locks, and old rows from being cleaned up: find the code that waits "
            "inside of a transaction, and set idle_in_transaction_session_timeout. "
            f"SELECT pg_terminate_backend({idle[0].pid}); ends it.",
        )


def _full(look: Context, activity: Activity) -> Iterator[_Problem]:
    fullest, most = activity.fullest, look.settings.database.max_used
    if fullest.ratio >= most:
        application, _, count, _ = by_application(activity.sessions)[0]
        yield _Problem(
            f"{fullest.used} of {fullest.limit} connections in use ({fullest.ratio:.0%}, "
            f"{fullest.what}), {count} of them {application}",
            f"less than {most:.0%}",
            "Make the applications' pools smaller (Prisma: connection_limit), put PgBouncer "
            "before it, or raise the limit.",
        )


def _growing(activity: Activity, trend: Trend | None) -> Iterator[_Problem]:
    if trend is None or not _is_growth(activity, trend):
        return
    limit, now = activity.capacities[0].limit, len(activity.sessions)
    left_s = trend.seconds_until(now, limit)
    until = f", {limit} in {left_s / 60:.0f} min at this rate" if left_s is not None else ""
    yield _Problem(
        f"connections grow by {trend.per_s * 60:.1f} a minute to {now} now{until} "
        f"(Mann-Kendall, p = {trend.p_value:.2g})",
        "no growth over the watch",
        "Look which application's number grows (table below): it opens connections that it "
        "never gives back.",
    )


def _is_growth(activity: Activity, trend: Trend) -> bool:
    """Growth that is neither chance nor a pool that filled itself once."""
    matters = max(_LEAST_GROWTH, _LEAST_PART * activity.capacities[0].limit)
    return trend.p_value < _SIGNIFICANT and trend.growth >= matters


def _demand_sight(activity: Activity, seen: Evidence) -> None:
    """What a hidden session does, nobody knows."""
    if activity.hidden and not activity.sees_all:
        raise Unverified(
            f"{len(activity.hidden)} of the database's sessions are other users', and what they do "
            "is hidden",
            expected="a user that may see them",
            where=seen.source,
            remedy="GRANT pg_read_all_stats TO the user of database_env (pg_monitor holds it too).",
            evidence=seen,
        )


def _demand_time(watch: Watch | None, seen: Evidence) -> None:
    if watch is not None and watch.length_s / watch.interval_s < LEAST_POINTS:
        raise Unverified(
            f"a watch of {watch.length_s:g} s has too few looks to see growth",
            expected=f"{LEAST_POINTS} looks, one every {watch.interval_s:g} s",
            remedy="Watch longer: --watch=15m.",
            evidence=seen,
        )


def _evidence(
    look: Context,
    activity: Activity,
    points: Sequence[tuple[float, float]],
    trend: Trend | None,
    where: str,
) -> Evidence:
    settings, fullest = look.settings.database, activity.fullest
    facts: dict[str, Fact] = {
        "connections": fullest.used,
        "limit": fullest.limit,
        "limited_by": fullest.what,
        "used_ratio": round(fullest.ratio, 3),
        "idle_in_transaction": len(
            activity.idle_in_transaction(settings.idle_in_transaction.total_seconds())
        ),
        "blocked": len(activity.blocked(settings.blocked.total_seconds())),
        "hidden_sessions": sum(one.is_hidden for one in activity.sessions),
        "in_recovery": activity.is_replica,
        "growth_per_min": round(trend.per_s * 60, 2) if trend else None,
        "growth_p_value": round(trend.p_value, 4) if trend else None,
    }
    rows = tuple(
        (application, database, str(count), states)
        for application, database, count, states in by_application(activity.sessions)
    )
    columns = ("application", "database", "sessions", "states")
    attachments: list[Attachment] = [Table("Sessions by application", columns, rows[:_MOST_ROWS])]
    if len(points) > 1:
        limit = settings.max_used * activity.capacities[0].limit
        attachments.insert(0, Chart("Connections", "connections", tuple(points), limit))
    return Evidence(
        summary=_summary(activity, trend),
        source=f"pg_stat_activity of {where}",
        observed_at=look.now(),
        facts=facts,
        attachments=tuple(attachments),
    )


def _summary(activity: Activity, trend: Trend | None) -> str:
    fullest = activity.fullest
    text = f"{fullest.used} of {fullest.limit} connections in use ({fullest.ratio:.0%})"
    text += ", a replica in recovery" if activity.is_replica else ""
    text += ", none stuck"
    if trend is not None:
        text += f", no growth (Mann-Kendall, p = {trend.p_value:.2g})"
    hidden = sum(one.is_hidden for one in activity.sessions)
    if hidden:
        text += f"; {hidden} of other users, counted and not seen (pg_read_all_stats is missing)"
    return text


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
