"""Incident: the switches of an emergency are there before it begins."""

from __future__ import annotations

import asyncio

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.env.reading import (
    is_source_configured,
    production_variable,
    source_of,
)
from pytest_chefrelease.errors import Failed, NotApplicable, Unverified
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage


@check(
    Item(
        id="incident.flags",
        title="The emergency switches are known where production reads its variables",
        stages=(Stage.POSTRELEASE,),
        severity=Severity.P3,
        section=Section.INCIDENT,
        blocking=False,
        minimum=Minimum(counts={"known": 1}),
        remedy="Set the switch where production reads its variables, to what it is now, or take "
        "it out of incident.flags: in an incident nobody should learn that it has another name.",
    )
)
async def incident_flags(look: Context) -> Evidence:
    """Every switch that the runbook names has a variable in production; values are not shown."""
    flags = look.settings.incident.flags
    if not flags:
        raise NotApplicable("no emergency switch is named (incident.flags)")
    found = await asyncio.gather(*(production_variable(look, name) for name in flags))
    missing = [name for name, one in zip(flags, found, strict=True) if one is None]
    source = source_of(look)
    if len(missing) == len(flags) and not is_source_configured(look):
        raise Unverified(
            "where production reads its variables is not known",
            expected=", ".join(flags),
            remedy="Set environment_matrix.source or secrets.source in release.toml.",
        )
    rows = tuple(
        (name, one.place if one else "unknown") for name, one in zip(flags, found, strict=True)
    )
    seen = Evidence(
        summary=f"{', '.join(flags)}: known",
        source=source,
        observed_at=look.now(),
        facts={"known": len(flags) - len(missing), "missing": ", ".join(missing)},
        attachments=(Table("Emergency switches", ("switch", "where"), rows),),
    )
    if missing:
        raise Failed(
            f"{', '.join(missing)} not known where production reads its variables",
            expected=f"{', '.join(flags)}, as the runbook's emergency steps name them",
            where=source,
            evidence=seen,
        )
    return seen
