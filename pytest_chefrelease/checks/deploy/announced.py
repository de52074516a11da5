"""deploy.announced: who is affected by the deployment knows of it."""

from __future__ import annotations

from pytest_chefrelease.checks.after_rollback import is_after_rollback
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.signed import MINIMUM, signed_off
from pytest_chefrelease.errors import NotApplicable
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Section, Severity, Stage


@check(
    Item(
        id="deploy.announced",
        title="The deployment was announced",
        stages=(Stage.POSTRELEASE,),
        severity=Severity.P2,
        section=Section.SIGN_OFFS,
        minimum=MINIMUM,
        remedy="Tell stakeholders and support that the release is out: chefrelease sign "
        "deploy.announced.",
        manual=True,
    )
)
async def deploy_announced(look: Context) -> Evidence:
    """Signed for the release commit, after the deployment.

    People are told when the deployment begins; the gate before it cannot ask for what is only
    done once it says GO.
    """
    if is_after_rollback(look):
        raise NotApplicable("after a rollback it is rollback.team-notified that is signed")
    return await signed_off(look, "deploy.announced")
