"""version.cadence: the release comes in the rhythm that the runbook recommends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.version.history import Since, since_last
from pytest_chefrelease.errors import Failed, NotApplicable
from pytest_chefrelease.probes.git import semantic_version
from pytest_chefrelease.probes.git_history import tag_times
from pytest_chefrelease.runbook.commits import Step
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.runbook.version_step import kind_of


@check(
    Item(
        id="version.cadence",
        title="The release keeps the recommended cadence of its type",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P3,
        section=Section.CADENCE,
        blocking=False,
        minimum=Minimum(facts=("type", "last")),
        remedy="What waits long is released in large steps, which are harder to verify and to "
        "take back: release smaller ones more often.",
    )
)
async def version_cadence(look: Context) -> Evidence:
    """The time since the last finished release of the same type: minor weekly, major monthly.

    Patches come as needed. A pre-release counts as the type that it leads to.
    """
    since = await since_last(look)
    kind = kind_of(since.this)
    recommended = {
        Step.MINOR: look.settings.release.cadence.minor,
        Step.MAJOR: look.settings.release.cadence.major,
    }.get(kind)
    last = await asyncio.to_thread(_last_of_kind, look, since, kind)
    if last is None:
        raise NotApplicable(f"{look.release.version} is the first {kind.word} release")
    name, when = last
    age = look.now() - when
    seen = Evidence(
        summary=f"{_days(age)} after {name}, the last {kind.word} release; "
        + (f"{_days(recommended)} recommended" if recommended else "patches come as needed"),
        source="git tags",
        observed_at=look.now(),
        facts={
            "type": kind.word,
            "last": name,
            "age_s": round(age.total_seconds()),
            "recommended_s": recommended.total_seconds() if recommended else None,
        },
        commit=since.commit,
    )
    if recommended is not None and age > recommended:
        raise Failed(
            f"the last {kind.word} release, {name}, was {_days(age)} ago",
            expected=f"a {kind.word} release within {_days(recommended)}",
            evidence=seen,
        )
    return seen


def _last_of_kind(look: Context, since: Since, kind: Step) -> tuple[str, datetime] | None:
    """The newest finished release of a type before this one, and when it was tagged. Blocks."""
    times = tag_times(look.probes.git)
    found = [(name, times[name]) for name in _names_of_kind(look, since, kind) if name in times]
    return max(found, key=lambda pair: pair[1], default=None)


def _names_of_kind(look: Context, since: Since, kind: Step) -> Iterator[str]:
    prefix = look.settings.release.tag_prefix
    for tag in look.probes.git.tags(merged_into=since.commit):
        version = semantic_version(tag.name, prefix)
        if version is None or version.prerelease or version >= since.this:
            continue
        if kind_of(version) is kind:
            yield tag.name


def _days(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"
