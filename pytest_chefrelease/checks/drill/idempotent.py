"""migrations.idempotent: deploying the migrations again changes nothing."""

from __future__ import annotations

from pytest_chefrelease.checks.backup.restores import LONGEST_S
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.drill.rehearsed import rehearsed
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.runbook.evidence import Evidence, Text
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage


@check(
    Item(
        id="migrations.idempotent",
        title="Deploying the migrations again changes nothing",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P3,
        section=Section.MIGRATIONS,
        blocking=False,
        minimum=Minimum(counts={"deployments": 2}),
        remedy="Let no migration touch the history table; look at what the second deployment did.",
        timeout_s=LONGEST_S,
    )
)
async def migrations_idempotent(look: Context) -> Evidence:
    """On the restored backup, after all pending migrations: a deployment that is repeated."""
    place, done = await rehearsed(look)
    if done.again is None:
        raise Unverified(
            "the first deployment did not come to its end",
            where=place,
            remedy="See migrations.rehearsed.",
        )
    seen = Evidence(
        summary=f"a second deployment after {len(done.steps)} pending migrations changed nothing",
        source=place,
        observed_at=look.now(),
        facts={"deployments": 2, "changes": len(done.again)},
        attachments=(Text("What the second did", "\n".join(done.again)),) if done.again else (),
    )
    if done.again:
        raise Failed(
            f"a second deployment did something: {done.again[0]}",
            expected="nothing to be done",
            where=place,
            evidence=seen,
        )
    return seen
