"""deploy.instances: as many healthy instances as are wanted, none in a restart loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.eventually import Later, Patience, eventually
from pytest_chefrelease.checks.provider_access import applications, provider_of
from pytest_chefrelease.errors import Failed, NotApplicable
from pytest_chefrelease.probes.providers.provider import CRASH_WINDOW, Deployed, Instance, State
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_LOOP = 3
"""So many ends in the window that nobody asked for are a restart loop."""
_SHOWN = 6


@check(
    Item(
        id="deploy.instances",
        title="As many healthy instances as configured, none in a restart loop",
        stages=(Stage.POSTRELEASE,),
        severity=Severity.P2,
        section=Section.DEPLOYMENT,
        quick_check=6,
        minimum=Minimum(counts={"instances": 1, "applications": 1}),
        remedy="Read the logs of the instance that is named, since its start.",
        if_configured=True,
        timeout_s=780.0,
    )
)
async def deploy_instances(look: Context) -> Evidence:
    """Every instance of every application runs and passes its provider's health checks.

    What starts is waited for up to deploy.settle; a restart loop is not.
    """
    apps, provider = applications(look), provider_of(look)
    if provider is None or not apps:
        raise NotApplicable("no provider is configured (provider.name and provider.app)")

    async def look_once() -> Evidence | Later:
        found = await asyncio.gather(*(provider.deployed(app) for app in apps.values()))
        return _judged(dict(zip(apps, found, strict=True)), look)

    table = look.settings.deploy
    patience = Patience(table.settle.total_seconds(), table.every.total_seconds())
    return await eventually(look_once, patience, what="instances", say=look.say)


def _judged(found: Mapping[str, Deployed], look: Context) -> Evidence | Later:
    fleets = [
        _Fleet(deployed, look.settings.provider.min_instances or deployed.wanted)
        for deployed in found.values()
        if deployed.has_instances
    ]
    if not fleets:
        places = ", ".join(deployed.place for deployed in found.values())
        raise NotApplicable(f"{places}: nothing there has instances")
    where = ", ".join(fleet.deployed.place for fleet in fleets)
    looping = [text for fleet in fleets for text in fleet.looping()]
    if looping:
        said = f"restart loop: {'; '.join(looping[:_SHOWN])}"
        raise Failed(
            said,
            expected=f"fewer than {_LOOP} in {_minutes()} min",
            where=where,
            evidence=_evidence(said, fleets, look),
        )
    problems = [text for fleet in fleets for text in fleet.problems()]
    if problems:
        rest = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        said = "; ".join(problems[:_SHOWN]) + rest
        expected = "every instance running, with passing checks"
        evidence = _evidence(said, fleets, look)
        return Later(Failed(said, expected=expected, where=where, evidence=evidence))
    return _evidence("; ".join(fleet.summary for fleet in fleets), fleets, look)


class _Fleet(Struct, frozen=True):
    """The instances of one application, and how many of them have to run."""

    deployed: Deployed
    wanted: int | None

    @property
    def running(self) -> int:
        """How many run and are well."""
        return sum(one.state is State.RUNNING and not one.unwell for one in self.deployed.instances)

    @property
    def summary(self) -> str:
        """The count in words."""
        resting = sum(one.state is State.RESTING for one in self.deployed.instances)
        rest = f", {resting} resting" if resting else ""
        of = f" of {self.wanted} wanted" if self.wanted else ""
        return f"{self.deployed.place}: {self.running}{of} running and well{rest}"

    def looping(self) -> Iterator[str]:
        """The instances that end again and again."""
        for one in self.deployed.instances:
            if one.crashes >= _LOOP:
                yield f"{_named(one)} ended {one.crashes} times unasked in {_minutes()} min"

    def problems(self) -> Iterator[str]:
        """What is not in order, instance by instance, then in number."""
        for one in self.deployed.instances:
            if one.unwell:
                yield f"{_named(one)}: {one.unwell}"
        if self.wanted is not None and self.running < self.wanted:
            yield f"{self.deployed.place}: {self.running} of {self.wanted} run and are well"


def _evidence(summary: str, fleets: list[_Fleet], look: Context) -> Evidence:
    every = [one for fleet in fleets for one in fleet.deployed.instances]
    columns = ("instance", "region", "state", "health checks", "unasked ends in 15 min")
    return Evidence(
        summary=summary,
        source=", ".join(fleet.deployed.place for fleet in fleets),
        observed_at=look.now(),
        facts={
            "applications": len(fleets),
            "instances": len(every),
            "running": sum(fleet.running for fleet in fleets),
            "wanted": sum(fleet.wanted or 0 for fleet in fleets),
            "unasked_ends": sum(one.crashes for one in every),
        },
        attachments=(Table("Instances", columns, tuple(map(_row, every))),),
    )


def _row(instance: Instance) -> tuple[str, ...]:
    checks = ", ".join(f"{each.name}: {each.status}" for each in instance.checks) or "none"
    return (instance.name, instance.region, instance.said, checks, str(instance.crashes))


def _named(instance: Instance) -> str:
    return f"{instance.name} in {instance.region}" if instance.region else instance.name


def _minutes() -> int:
    return round(CRASH_WINDOW.total_seconds() / 60)
