"""The world: what the release depends on and nobody here runs."""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.errors import Failed, Malformed, NotApplicable
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage


class _Page(Struct, frozen=True):
    name: str = ""


class _Status(Struct, frozen=True):
    indicator: str
    description: str = ""


class _Document(Struct, frozen=True):
    page: _Page
    status: _Status


@check(
    Item(
        id="world.status",
        title="The vendors that the release depends on report no incident",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P3,
        section=Section.BEYOND,
        blocking=False,
        minimum=Minimum(counts={"pages": 1}),
        remedy="Wait until it is over: a release during an incident of the provider is hard to "
        "judge and hard to take back.",
        if_configured=True,
    )
)
async def world_status(look: Context) -> Evidence:
    """``/api/v2/status.json`` of each configured status page, as statuspage.io serves it."""
    pages = look.settings.world.status
    if not pages:
        raise NotApplicable("no status page is configured (world.status)")
    found = await asyncio.gather(*(_status(look, page) for page in pages))
    rows = tuple(
        (one.page.name or page, one.status.indicator, one.status.description, page)
        for page, one in zip(pages, found, strict=True)
    )
    seen = Evidence(
        summary="; ".join(f"{name}: {described}" for name, _, described, _ in rows),
        source=", ".join(pages),
        observed_at=look.now(),
        facts={"pages": len(rows), "incidents": sum(row[1] != "none" for row in rows)},
        attachments=(Table("Vendors", ("vendor", "state", "what", "page"), rows),),
    )
    bad = [row for row in rows if row[1] != "none"]
    if bad:
        raise Failed(
            "; ".join(f"{name}: {described} ({state})" for name, state, described, _ in bad),
            expected="no incident",
            where=bad[0][3],
            evidence=seen,
        )
    return seen


async def _status(look: Context, page: str) -> _Document:
    answer = await look.probes.http.get(f"{page}/api/v2/status.json")
    problem = f"status {answer.status}" if answer.status != 200 else ""
    try:
        if not problem:
            return msgspec.convert(answer.json(), _Document)
    except (msgspec.ValidationError, Malformed):
        problem = "another document"
    raise Malformed(
        f"the status page gives {problem}",
        expected="statuspage.io's /api/v2/status.json",
        where=answer.url,
        remedy="Correct world.status in release.toml.",
    )
