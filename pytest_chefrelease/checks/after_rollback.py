"""What is otherwise after a rollback: whose migrations are expected, and what is signed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import Check, check
from pytest_chefrelease.checks.signed import signed_off
from pytest_chefrelease.errors import NotApplicable, ProbeError
from pytest_chefrelease.probes.prisma import read_release_migrations
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_SIGNED = Minimum(counts={"signatures": 1}, facts=("signed_by",))


def is_after_rollback(look: Context) -> bool:
    """Whether the release that is verified is what another one was rolled back to."""
    return look.release.rolled_back_from is not None


def left_behind(look: Context) -> frozenset[str]:
    """The migrations that the rolled-back release brought: they stay in the database.

    Blocks, on git. Empty where nothing was rolled back, or it brought none.
    """
    git, directory = look.probes.git, look.settings.migrations.directory
    after, before = look.release.rolled_back_commit, look.release.commit
    if after is None or before is None:
        return frozenset()
    try:
        brought = read_release_migrations(git, after, directory).scripts
        held = read_release_migrations(git, before, directory).scripts
    except ProbeError:
        return frozenset()
    return frozenset({s.name for s in brought} - {s.name for s in held})


def _signed(item_id: str, title: str, remedy: str, *, blocking: bool = True) -> Check:
    """One of the runbook's post-rollback steps, signed on the commit that was rolled back."""
    item = Item(
        id=item_id,
        title=title,
        stages=(Stage.POSTRELEASE,),
        severity=Severity.P2,
        section=Section.SIGN_OFFS,
        minimum=_SIGNED,
        remedy=f"{remedy}: chefrelease sign {item_id}.",
        blocking=blocking,
        manual=True,
        if_configured=True,
    )

    async def verify(look: Context) -> Evidence:
        if not is_after_rollback(look):
            raise NotApplicable("nothing was rolled back")
        gone = replace(look.release, commit=look.release.rolled_back_commit)
        return await signed_off(replace(look, release=gone), item_id)

    declared: Callable[[Callable[[Context], Awaitable[Evidence]]], Check] = check(item)
    return declared(verify)


team_notified = _signed(
    "rollback.team-notified",
    "After a rollback the team and the stakeholders know of it",
    "Tell them what was rolled back, since when, and what that means for them",
)
incident_documented = _signed(
    "rollback.incident-documented",
    "After a rollback the incident is documented",
    "Finish the note that chefrelease incident began",
)
fix_retested = _signed(
    "rollback.fix-retested",
    "After a rollback the fix is made, tested on staging, and a new deployment is planned",
    "Mend the release, test it on staging, and plan its deployment",
    blocking=False,
)
