"""staging.ui-spot-check: a person has clicked through the release on staging."""

from __future__ import annotations

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.signed import MINIMUM, signed_off
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Section, Severity, Stage


@check(
    Item(
        id="staging.ui-spot-check",
        title="Somebody has checked the user interface on staging by hand",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.STAGING,
        quick_check=2,
        minimum=MINIMUM,
        remedy="Go through login, dashboard and the key flows on staging: chefrelease sign "
        "staging.ui-spot-check.",
        manual=True,
    )
)
async def staging_ui_spot_check(look: Context) -> Evidence:
    """Signed for the release commit (runbook: login, dashboard, key flows), before deploying."""
    return await signed_off(look, "staging.ui-spot-check")
