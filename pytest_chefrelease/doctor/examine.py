"""Looks at every source at once, within seconds: ``chefrelease doctor``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from pytest_chefrelease.checks.declare import Check
from pytest_chefrelease.doctor.looks import machine, network, repository
from pytest_chefrelease.doctor.looks.around import Around, Look
from pytest_chefrelease.doctor.place import Place
from pytest_chefrelease.doctor.plan import items_of
from pytest_chefrelease.doctor.source import Kind, Source
from pytest_chefrelease.doctor.sources import sources_of
from pytest_chefrelease.errors import ProbeError
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.settings.model import Settings

LIMIT_S = 8.0
"""For each source; all are looked at together, so that the whole stays under 10 s."""

_LOOKS: Mapping[Kind, Look] = {
    Kind.REPOSITORY: repository.repository,
    Kind.REMOTE: repository.remote,
    Kind.GITHUB: repository.github,
    Kind.HTTP: network.http,
    Kind.DATABASE: network.database,
    Kind.REDIS: network.redis,
    Kind.SECRETS: network.secrets,
    Kind.PROVIDER: network.provider,
    Kind.SENTRY: network.sentry,
    Kind.ALERTS: network.alerts,
    Kind.METRICS: network.metrics,
    Kind.LOAD: machine.load,
    Kind.LOGS: network.logs,
    Kind.BACKUPS: machine.backups,
    Kind.AUTOMATIC: network.automatic,
    Kind.ACCOUNT: machine.account,
    Kind.BROWSER: machine.browser,
    Kind.PROGRAM: machine.program,
    Kind.REPORTS: machine.reports,
}


class State(StrEnum):
    """What came of looking at a source."""

    THERE = "there"
    MISSING = "missing"
    NOT_USED = "not used"


class Examined(Struct, frozen=True):
    """A source, its state, what was seen, what to do, and the items that wait for it."""

    source: Source
    state: State
    seen: str
    remedy: str
    unlocks: tuple[str, ...]


async def examine(
    place: Place, checks: Sequence[Check], environment: Mapping[str, str] = os.environ
) -> tuple[Examined, ...]:
    """Every source that an item of any stage reads."""
    probes = Probes(place.settings, place.repository)
    around = Around(place.settings, place.directory, place.repository, probes, environment)
    items = _items(checks, place.settings)
    read = [source for source in sources_of(place.settings) if source.unlocks(items)]
    try:
        return tuple(await asyncio.gather(*(_examined(each, around, items) for each in read)))
    finally:
        await probes.close()


def _items(checks: Sequence[Check], settings: Settings) -> tuple[str, ...]:
    return tuple(dict.fromkeys(i for stage in Stage for i in items_of(checks, settings, stage)))


async def _examined(source: Source, around: Around, items: tuple[str, ...]) -> Examined:
    unlocks = source.unlocks(items)
    if source.place is None:
        state = State.NOT_USED if source.is_optional else State.MISSING
        return Examined(source, state, "not configured", source.remedy, unlocks)
    try:
        async with asyncio.timeout(LIMIT_S):
            seen = await _LOOKS[source.kind](source, around)
    except ProbeError as error:
        remedy = error.remedy or source.remedy
        return Examined(source, State.MISSING, error.summary, remedy, unlocks)
    except TimeoutError:
        seen = f"no answer within {LIMIT_S:g} s"
        return Examined(source, State.MISSING, seen, source.remedy, unlocks)
    return Examined(source, State.THERE, seen, "", unlocks)
