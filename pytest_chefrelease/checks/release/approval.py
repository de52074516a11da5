"""release.approved: a person has said that this commit may go to production."""

from __future__ import annotations

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.signed import MINIMUM, signed_off
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Section, Severity, Stage


@check(
    Item(
        id="release.approved",
        title="The release is approved",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.SIGN_OFFS,
        minimum=MINIMUM,
        remedy="Let who answers for the release approve it: chefrelease sign release.approved.",
        manual=True,
    )
)
async def release_approved(look: Context) -> Evidence:
    """Signed for the release commit, before deploying: who approves answers for what follows."""
    return await signed_off(look, "release.approved")
