"""latency.regression: answers are not slower than before, beyond noise and by what matters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import isfinite

from msgspec.structs import replace

from pytest_chefrelease.checks.closed import unless_closed
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.engine import timeout_of
from pytest_chefrelease.checks.latency import comparing
from pytest_chefrelease.checks.latency.baseline import Baseline, baseline
from pytest_chefrelease.checks.latency.campaign import Target, campaign
from pytest_chefrelease.checks.latency.targets import (
    address,
    demand_measured,
    demand_source,
    endpoints,
    targets,
)
from pytest_chefrelease.checks.staging.target import at_staging
from pytest_chefrelease.errors import Failed, Finding, NotConfigured, Unverified
from pytest_chefrelease.runbook.evidence import Evidence, Fact, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.runbook.slower import (
    LEAST_REQUESTS,
    REGRESSION,
    Difference,
    differences,
    figures,
)

ITEM = Item(
    id=REGRESSION,
    title="Answers are not slower than those of the version before",
    stages=(Stage.POSTRELEASE, Stage.MONITORING),
    severity=Severity.P3,
    section=Section.MONITORING,
    minimum=Minimum(counts={"n": LEAST_REQUESTS, "before_n": LEAST_REQUESTS}),
    remedy="Compare what the release changed on this path: queries, calls to others, payload.",
    blocking=False,
    timeout_s=1800,
    holds_target=True,
    paces_itself=True,
)


@check(ITEM, each=endpoints)
@unless_closed
async def latency_regression(look: Context, endpoint: str) -> Evidence:
    """P50 and P95 of latency.p95's requests against those of the version before.

    Only the first batch counts: whether there are more depends on what the first one held,
    and an interval of all would not keep its promise.
    """
    demand_source(look)
    address(look, endpoint)
    limit_s = timeout_of(ITEM, look.settings)
    found = await campaign(look, targets(look), limit_s)
    measured = found.endpoints[endpoint]
    demand_measured(look, endpoint, measured)
    if measured.stopped:
        raise Unverified(
            f"stopped because errors rose: {measured.stopped}",
            expected=f"{LEAST_REQUESTS} requests or more",
            where=f"GET {measured.url}",
            remedy="Find the errors' cause, then measure again.",
        )
    shots = measured.shots[: found.requests]
    if not shots:
        raise Unverified("no request was sent", where=f"GET {measured.url}")
    comparing.demand_punctual(look, measured)
    now = figures(comparing.latencies(shots))
    seen = Evidence(
        summary=f"{len(shots)} requests, compared with nothing yet",
        source=f"GET {measured.url}",
        observed_at=datetime.fromisoformat(found.finished_at),
        facts={**now.facts()},
    )
    try:
        before = await baseline(look, endpoint, _at_staging(look), limit_s)
    except Finding as finding:
        # What was measured now is what the next release is compared with.
        finding.evidence = seen
        raise
    changed = differences(
        before.measured.figures, now, comparing.margin(look), before.measured.noise
    )
    return _judge(before, changed, _compared(seen, before, changed))


def _at_staging(look: Context) -> list[Target]:
    try:
        return targets(at_staging(look))
    except NotConfigured:
        return []


def _compared(seen: Evidence, before: Baseline, changed: Sequence[Difference]) -> Evidence:
    facts: dict[str, Fact] = {"before": before.words, "before_at": before.at.isoformat()}
    facts |= {f"before_{name}": value for name, value in before.measured.figures.facts().items()}
    for of in changed:
        name = of.quantile.lower()
        facts |= {
            f"slower_{name}_ms": _finite(of.ms),
            f"slower_{name}_low_ms": _finite(of.low_ms),
            f"slower_{name}_high_ms": _finite(of.high_ms),
            f"slower_{name}_noise_ms": _finite(of.noise_ms),
            f"slower_{name}_needed_ms": _finite(of.needed_ms),
        }
    columns = ("quantile", "before", "now", "slower by", "surely", "noise", "matters from")
    rows = tuple(
        (
            of.quantile,
            comparing.ms(of.before_ms),
            comparing.ms(of.after_ms),
            comparing.ms(of.ms),
            f"{comparing.ms(of.low_ms)} to {comparing.ms(of.high_ms)}",
            comparing.ms(of.noise_ms),
            comparing.ms(of.needed_ms),
        )
        for of in changed
    )
    return replace(
        seen,
        summary=f"{'; '.join(map(comparing.told, changed))}, compared with {before.words}",
        facts={**seen.facts, **facts},
        attachments=(Table(f"Compared with {before.words}", columns, rows),),
    )


def _finite(value: float) -> float | None:
    return round(value, 2) if isfinite(value) else None


def _judge(before: Baseline, changed: Sequence[Difference], seen: Evidence) -> Evidence:
    if len(changed) < len(before.measured.figures.quantiles):
        raise Unverified(
            f"too many requests failed then: {before.words} is nothing to compare with",
            where=seen.source,
            remedy="Measure the next release against this one.",
            evidence=seen,
        )
    slower = [of for of in changed if of.is_slower]
    if slower:
        worst = slower[-1]
        raise Failed(
            f"slower than {before.words}: {'; '.join(map(comparing.told, slower))}",
            expected=f"less than {comparing.ms(worst.needed_ms)} more, or not surely more than "
            f"the noise of {comparing.ms(worst.noise_ms)}",
            where=seen.source,
            evidence=seen,
        )
    return seen
