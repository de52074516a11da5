"""How a log is shown: rates over time, groups with their counts, and a few lines as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pytest_chefrelease.checks.logs.since_deploy import SILENT_AFTER, Reading, moment
from pytest_chefrelease.runbook.evidence import Chart, Evidence, Fact, Table, Text
from pytest_chefrelease.runbook.item import Minimum
from pytest_chefrelease.runbook.log_tally import Group, Minute

_MOST_ROWS, _MOST_EXAMPLES = 20, 5


def needing(**counts: float) -> Minimum:
    """So much of a log that has not fallen silent."""
    return Minimum(counts={"lines": 1, **counts}, max_age=SILENT_AFTER)


def evidence_of(
    reading: Reading,
    summary: str,
    facts: Mapping[str, Fact],
    *shown: Chart | Table | Text,
) -> Evidence:
    """Evidence as old as the log's newest line, with what was read of the log beside."""
    tally = reading.tally
    read: dict[str, Fact] = {
        **facts,
        "lines": tally.lines,
        "requests": tally.requests,
        "own_requests": tally.own,
        "unreadable_lines": tally.unreadable + tally.oversized,
        "deployed_at": reading.deploy.at.isoformat(timespec="seconds"),
        "deployed_at_told_by": reading.deploy.told_by,
    }
    return Evidence(
        summary=summary,
        source=reading.place,
        observed_at=reading.newest,
        facts=read,
        attachments=shown,
    )


def rate_chart(title: str, reading: Reading, count: Callable[[Minute], int]) -> Chart:
    """Counts a minute, from the deploy on; the first and last minute as far as they went."""
    tally, start_ms = reading.tally, reading.deploy.ms
    points = []
    for key in _minutes(reading):
        began, ended = max(key * 60_000, start_ms), min((key + 1) * 60_000, tally.last_ms)
        seen = count(tally.minutes.get(key, Minute()))
        long_min = min(1.0, max((ended - began) / 60_000, 1 / 60))
        points.append((max(0.0, (began - start_ms) / 1000), seen / long_min))
    return Chart(title, "a minute", tuple(points))


def _minutes(reading: Reading) -> range:
    first, last = reading.deploy.ms // 60_000, reading.tally.last_ms // 60_000
    return range(max(first, last - 1_440), last + 1)


def examples(groups: Sequence[tuple[str, Group]]) -> list[Text]:
    """The first lines of the first groups, without tokens and mail addresses."""
    return [
        Text(f"Examples: {name[:120]}", "\n".join(group.examples))
        for name, group in groups[:_MOST_EXAMPLES]
        if group.examples
    ]


def groups_table(
    title: str, columns: Sequence[str], rows: Sequence[tuple[tuple[str, ...], Group]]
) -> Table:
    """Groups with their counts and times; the twenty with the most lines."""
    shown = tuple(
        (str(group.count), *names, clock(group.first_ms), clock(group.last_ms))
        for names, group in rows[:_MOST_ROWS]
    )
    more = f" (the first {_MOST_ROWS} of {len(rows)})" if len(rows) > _MOST_ROWS else ""
    return Table(title + more, ("count", *columns, "first", "last"), shown)


def clock(ms: int) -> str:
    """``2026-11-24 10:30:05 UTC``."""
    return f"{moment(ms):%Y-%m-%d %H:%M:%S} UTC"


def counted(n: int, noun: str) -> str:
    """``1 line``, ``2 lines``."""
    return f"{n} {noun}{'' if n == 1 else 's'}"
