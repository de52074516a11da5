"""release.freeze: the release is made when releases are made, or is a signed emergency."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from msgspec.structs import replace

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.signed import command, signed_off
from pytest_chefrelease.errors import Failed, NotApplicable, Unverified
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.freeze import WeekHours, Window, frozen_because
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_ID = "release.freeze"


@check(
    Item(
        id=_ID,
        title="The release is made outside the freeze, within the hours for releases",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.BEYOND,
        minimum=Minimum(facts=("local_time",)),
        remedy=f"Wait until then. For an emergency, type: {command(_ID)}",
        if_configured=True,
    )
)
async def release_freeze(look: Context) -> Evidence:
    """Now, in the freeze's time zone, against its windows and hours.

    In a freeze, a sign-off of this item for the release commit makes it an emergency release.
    """
    table = look.settings.release.freeze
    if not table.windows and not table.hours:
        raise NotApplicable("no freeze and no hours for releases are configured")
    zone = ZoneInfo(table.time_zone)
    reason = frozen_because(
        look.now(),
        [Window(each.begin, each.end, each.reason) for each in table.windows],
        [WeekHours(each.days, each.begin, each.end) for each in table.hours],
        zone,
    )
    local = f"{look.now().astimezone(zone):%A %Y-%m-%d %H:%M} {table.time_zone}"
    seen = Evidence(
        summary=f"{local} is a time for releases",
        source="release.freeze in release.toml",
        observed_at=look.now(),
        facts={"local_time": local, "frozen": reason, "emergency": None},
        commit=look.release.commit,
    )
    if reason is None:
        return seen
    try:
        signed = await signed_off(look, _ID)
    except Unverified:
        raise Failed(
            f"releases are frozen: {reason}",
            expected="a time for releases, or a signed emergency",
            where=seen.source,
            evidence=seen,
        ) from None
    return replace(
        seen,
        summary=f"emergency release in a freeze ({reason}), {signed.summary}",
        facts={**seen.facts, "emergency": signed.summary},
        attachments=signed.attachments,
    )
