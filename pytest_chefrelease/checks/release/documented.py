"""release.documented: what was released, when and by whom is written down."""

from __future__ import annotations

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.signed import MINIMUM, command, signed_off
from pytest_chefrelease.errors import Unverified
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Section, Severity, Stage

_ID = "release.documented"


@check(
    Item(
        id=_ID,
        title="The release is documented",
        stages=(Stage.MONITORING,),
        severity=Severity.P2,
        section=Section.SIGN_OFFS,
        quick_check=10,
        minimum=MINIMUM,
        remedy="Write down what was released, when, and by whom; then chefrelease sign "
        "release.documented.",
        manual=True,
        paces_itself=True,
    )
)
async def release_documented(look: Context) -> Evidence:
    """Signed for the release commit by the end of the watch.

    It is the last line of the runbook's quick check, after the logs were monitored: the
    fifteen minutes of the watch are the time to write it. Looked at once, when they are over.
    """
    watch = look.watch
    if watch is not None:
        try:
            await signed_off(look, _ID)
        except Unverified:
            look.say(f"{_ID} is to be signed before the watch ends: {command(_ID)}")
        while await watch.until_next_beat():
            pass
    return await signed_off(look, _ID)
