"""latency.calibration: how much the running version differs from itself, before the deploy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.engine import timeout_of
from pytest_chefrelease.checks.identity import Match, clues_of, match
from pytest_chefrelease.checks.latency import comparing
from pytest_chefrelease.checks.latency.campaign import Fixed, campaign
from pytest_chefrelease.checks.latency.targets import demand_source, targets
from pytest_chefrelease.errors import Failed, Malformed, NotApplicable, Unverified
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.runbook.slower import (
    CALIBRATION,
    LEAST_REQUESTS,
    Difference,
    Figures,
    Measured,
    differences,
    figures,
    noise_of,
)

ITEM = Item(
    id=CALIBRATION,
    title="The running version, measured twice, differs little from itself",
    stages=(Stage.PRERELEASE,),
    severity=Severity.P3,
    section=Section.BEYOND,
    minimum=Minimum(counts={"n": LEAST_REQUESTS}, facts=("endpoints",)),
    remedy="Find what makes the running version unsteady, or release when it is quiet: a "
    "slowdown smaller than this noise cannot be seen afterwards.",
    blocking=False,
    timeout_s=1800,
    holds_target=True,
)


class _Twice(Struct, frozen=True):
    """One endpoint, measured twice."""

    endpoint: str
    first: Figures
    second: Figures
    unsteady: tuple[Difference, ...]
    both: Measured


@check(ITEM)
async def latency_calibration(look: Context) -> Evidence:
    """All endpoints of what runs now, ``latency.calibration`` requests each, in two halves."""
    demand_source(look)
    _ = look.api  # raises where there is none: nothing runs that could be measured
    await _demand_another_version(look)
    half = look.settings.latency.calibration // 2
    fixed = Fixed("calibration", half, 2)
    found = await campaign(look, targets(look), timeout_of(ITEM, look.settings), fixed)
    whole = {name: each for name, each in found.endpoints.items() if each.refusal is None}
    for name, each in whole.items():
        if each.stopped or len(each.shots) < 2 * half:
            raise Unverified(
                f"{name}: stopped after {len(each.shots)} requests: {each.stopped or 'cut'}",
                where=f"GET {each.url}",
                remedy="Mend the running version first, or release when it is well.",
            )
        comparing.demand_punctual(look, each)
    if not whole:
        refusals = "; ".join(each.refusal.seen for each in found.endpoints.values() if each.refusal)
        raise Unverified(
            f"no endpoint could be measured: {refusals or 'none has an address'}",
            where=look.api,
            remedy="Name endpoints in latency.endpoints that answer without a login.",
        )
    twice = []
    for name, each in whole.items():
        latencies = comparing.latencies(each.shots)
        twice.append(_compared(look, name, latencies[:half], latencies[half:]))
    seen = _evidence(look, twice, found.finished_at)
    return _judge(seen, twice)


async def _demand_another_version(look: Context) -> None:
    """Raise NotApplicable where the release runs already: then nothing precedes it."""
    answer = await look.probes.http.get(look.api + look.settings.target.health)
    try:
        clues = clues_of(answer.json(), "health")
    except Malformed:
        return  # what says no version may be any
    if match(clues, look.release, look.settings.release.tag_prefix) is Match.SAME:
        raise NotApplicable(
            f"{look.release.name} runs already: there is no version before it to measure",
            where=answer.url,
        )


def _compared(
    look: Context, endpoint: str, first: Sequence[float | None], second: Sequence[float | None]
) -> _Twice:
    one, two = figures(first), figures(second)
    margin = comparing.margin(look)
    both_ways = (*differences(one, two, margin), *differences(two, one, margin))
    return _Twice(
        endpoint,
        one,
        two,
        tuple(each for each in both_ways if each.is_slower),
        Measured(endpoint, figures((*first, *second)), noise_of(one, two)),
    )


def _evidence(look: Context, twice: Sequence[_Twice], finished_at: str) -> Evidence:
    noise_ms = max(max((each.both.noise or {}).values()) for each in twice)
    count = f"{len(twice)} endpoint{'s' if len(twice) > 1 else ''}"
    rows = tuple(
        (
            each.endpoint,
            str(each.both.figures.n),
            *(
                comparing.ms(of.quantiles[name].ms)
                for name in ("p50", "p95")
                for of in (each.first, each.second)
            ),
        )
        for each in twice
    )
    columns = ("endpoint", "requests", "P50", "P50 again", "P95", "P95 again")
    return Evidence(
        summary=f"{count} measured twice: P50 and P95 differ by at most {comparing.ms(noise_ms)}",
        source=look.api,
        observed_at=datetime.fromisoformat(finished_at),
        facts={
            "n": min(each.both.figures.n for each in twice),
            "noise_ms": None if noise_ms == float("inf") else round(noise_ms, 2),
            "endpoints": [{"endpoint": each.endpoint, **each.both.facts()} for each in twice],
        },
        attachments=(Table("The running version, measured twice", columns, rows),),
    )


def _judge(seen: Evidence, twice: Sequence[_Twice]) -> Evidence:
    unsteady = [each for each in twice if each.unsteady]
    if unsteady:
        worst = unsteady[0]
        raise Failed(
            "; ".join(
                f"{each.endpoint}: {comparing.told(each.unsteady[0])}, the version being the same"
                for each in unsteady
            ),
            expected="two measurements of one version to agree",
            where=f"GET {worst.endpoint.removeprefix('web ')}",
            evidence=seen,
        )
    return seen
