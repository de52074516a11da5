"""deploy.executed: the provider's newest deploy and every instance's own word are the release."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.deploy.judging import judged
from pytest_chefrelease.checks.deploy.seen import Seen
from pytest_chefrelease.checks.deploy.witnesses import ask_application
from pytest_chefrelease.checks.eventually import Later, Patience, eventually
from pytest_chefrelease.checks.provider_access import applications, provider_of
from pytest_chefrelease.errors import ProbeError
from pytest_chefrelease.probes.providers.provider import PastRelease, Provider
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

LONGEST_S = 780.0
"""The longest deploy.settle, and a minute to look."""


@check(
    Item(
        id="deploy.executed",
        title="The release is deployed, on every instance",
        stages=(Stage.POSTRELEASE,),
        severity=Severity.P1,
        section=Section.DEPLOYMENT,
        quick_check=6,
        minimum=Minimum(counts={"connections": 5}, facts=("running", "witnesses")),
        remedy="Deploy the release commit again, and wait until no instance of another is left.",
        timeout_s=LONGEST_S,
    ),
    each=lambda _settings, _stage: ("api", "web"),
)
async def deploy_executed(look: Context, part: str) -> Evidence:
    """The provider says so, where one is configured, and the application on all connections.

    While a deploy is under way, or versions are mixed, it is waited for up to deploy.settle.
    Without a provider the application alone is the witness, and the evidence says so.
    """
    app = applications(look).get(part)
    provider = provider_of(look) if app else None
    before = await _before(provider, app or "")

    async def look_once() -> Evidence | Later:
        deployed = await provider.deployed(app) if provider and app else None
        words = await ask_application(look, part, deployed.instances if deployed else ())
        return judged(Seen(part, words, deployed, before.reference, before.unknown), look)

    table = look.settings.deploy
    patience = Patience(table.settle.total_seconds(), table.every.total_seconds())
    return await eventually(look_once, patience, what=f"deploy of {part}", say=look.say)


class _Before(Struct, frozen=True):
    """What was deployed before, for the commands of a rollback; or why that is unknown."""

    reference: str | None = None
    unknown: str = ""


async def _before(provider: Provider | None, app: str) -> _Before:
    if provider is None:
        return _Before()
    try:
        past: Sequence[PastRelease] = await provider.releases(app)
    except ProbeError as error:
        # The deploy itself may be readable all the same: this is for commands only.
        return _Before(unknown=error.seen)
    return _Before(past[1].reference) if len(past) > 1 else _Before(unknown="none is known")
