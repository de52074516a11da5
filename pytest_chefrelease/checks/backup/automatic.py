"""backup.automatic: the provider takes backups of production by itself, every day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from pytest_chefrelease.checks.backup.words import moment, span
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.errors import Failed, NotApplicable, Unverified
from pytest_chefrelease.probes.backups.automatic import (
    Automatic,
    ask_automatic,
    surroundings_of,
)
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_DAILY = timedelta(hours=36)
"""A day, and half of one for the hour to move and the snapshot to be taken."""


@check(
    Item(
        id="backup.automatic",
        title="The provider takes daily backups of production by itself",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.MIGRATIONS,
        blocking=False,
        minimum=Minimum(counts={"backed_up": 1}),
        remedy="Turn the provider's automatic backups on, and look again in a day.",
        if_configured=True,
    )
)
async def backup_automatic(look: Context) -> Evidence:
    """Each of the database's disks or instances: on, and the last one not older than a day."""
    source = look.settings.backup.automatic
    if source is None:
        raise NotApplicable("nobody is named who takes backups by itself (backup.automatic)")
    around = surroundings_of(look.settings, source, look.environment, look.probes.http)
    found = await ask_automatic(source, around)
    seen = _evidence(look, source, found)
    for one in found:
        _demand(look, one, seen)
    return seen


def _demand(look: Context, one: Automatic, seen: Evidence) -> None:
    if one.is_on is None:
        raise Unverified(f"{one.said}", expected="AVAILABLE", where=one.place, evidence=seen)
    if not one.is_on:
        raise Failed(
            f"automatic backups are off ({one.said})",
            expected="daily ones",
            where=one.place,
            evidence=seen,
        )
    age = look.now() - one.newest if one.newest else None
    if one.takes_moments and (age is None or age > _DAILY):
        raise Failed(
            f"automatic backups are on, the last was taken {span(age)} ago"
            if age
            else "automatic backups are on, and none has been taken yet",
            expected=f"one in the last {span(_DAILY)}",
            where=one.place,
            evidence=seen,
        )


def _evidence(look: Context, source: str, found: Sequence[Automatic]) -> Evidence:
    rows = tuple(
        (one.place, _state(one), one.said, moment(one.newest) if one.newest else "")
        for one in found
    )
    return Evidence(
        summary="; ".join(f"{one.place}: {one.said}" for one in found),
        source=source,
        observed_at=look.now(),
        facts={"backed_up": sum(one.is_on is True for one in found), "places": len(found)},
        attachments=(Table("Automatic backups", ("of", "state", "what", "last"), rows),),
    )


def _state(one: Automatic) -> str:
    return "unknown" if one.is_on is None else "on" if one.is_on else "off"
