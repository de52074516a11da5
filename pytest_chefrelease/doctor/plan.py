"""What a stage would touch, before it touches it: ``chefrelease plan``. By settings alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from pytest_chefrelease.checks.declare import Check
from pytest_chefrelease.checks.policy import not_applicable_reason
from pytest_chefrelease.doctor.source import Kind, Source, Touch
from pytest_chefrelease.doctor.sources import sources_of
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.settings.model import Settings


class Plan(Struct, frozen=True):
    """A stage's items, and for each touch and each credential the items behind it.

    ``unknown`` are items that no source is known of: a team's own may read anything.
    """

    stage: Stage
    environment: str
    items: tuple[str, ...]
    touches: Mapping[Touch, tuple[str, ...]]
    credentials: Mapping[str, tuple[str, ...]]
    unconfigured: tuple[Source, ...]
    unknown: tuple[str, ...]


def items_of(checks: Iterable[Check], settings: Settings, stage: Stage) -> tuple[str, ...]:
    """The items that the stage verifies; without those that settings take out."""
    return tuple(
        check.item.id
        for check in checks
        if stage in check.item.stages
        and not_applicable_reason(check.item, check.item.id, settings) is None
    )


def plan_of(settings: Settings, checks: Iterable[Check], stage: Stage) -> Plan:
    """The stage's plan. No file, network or variable is looked at."""
    items = items_of(checks, settings, stage)
    touches: dict[Touch, tuple[str, ...]] = {}
    credentials: dict[str, tuple[str, ...]] = {}
    unconfigured: list[Source] = []
    known: set[str] = set()
    for source in sources_of(settings):
        readers = source.unlocks(items)
        if not readers:
            continue
        known |= set(readers) if source.kind is not Kind.REPORTS else set()
        if source.place is None:
            unconfigured.append(source)
        for touch in source.touches:
            touches[touch] = _joined(touches.get(touch, ()), readers)
        for name in source.credentials:
            credentials[name] = _joined(credentials.get(name, ()), readers)
    environment = settings.release.environment
    unknown = tuple(item for item in items if item not in known)
    return Plan(stage, environment, items, touches, credentials, tuple(unconfigured), unknown)


def _joined(known: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))


def tell_plan(plan: Plan) -> str:
    """The plan for a terminal."""
    return "\n".join(_lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    count = len(plan.items)
    yield f"{plan.stage} of {plan.environment}: what it would touch, for {count} items"
    yield from _section("Hosts", {t: r for t, r in plan.touches.items() if t.is_host})
    yield from _section(
        "Files and programs", {t: r for t, r in plan.touches.items() if not t.is_host}
    )
    if plan.credentials:
        yield "\nCredentials, by the names of their variables"
        yield from (f"  {name}\n      for {few(who)}" for name, who in plan.credentials.items())
    if plan.unconfigured:
        yield "\nNot configured, so not touched"
        for source in plan.unconfigured:
            yield f"  {source.name}: {source.remedy}"
    if plan.unknown:
        yield "\nNot known what they touch: ask whoever wrote them"
        yield from (f"  {item}" for item in plan.unknown)


def _section(title: str, touches: Mapping[Touch, tuple[str, ...]]) -> Iterator[str]:
    if touches:
        yield f"\n{title}"
    for touch, readers in touches.items():
        yield f"  {touch.place}\n      {touch.verb}, for {few(readers)}"


def few(names: tuple[str, ...], most: int = 4) -> str:
    """``a, b, c and 3 more``."""
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
