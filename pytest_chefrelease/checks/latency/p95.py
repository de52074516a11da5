"""latency.p95: how long the slowest answers take that a visitor still has to expect."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from pytest_chefrelease.checks.closed import unless_closed
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.engine import timeout_of
from pytest_chefrelease.checks.latency.by_locust import verify_by_locust, with_locusts_word
from pytest_chefrelease.checks.latency.by_log import (
    Witness,
    beside,
    demand_agreement,
    second_witness,
    verify_by_log,
)
from pytest_chefrelease.checks.latency.campaign import Campaign, campaign
from pytest_chefrelease.checks.latency.evidence import evidence_of, in_words
from pytest_chefrelease.checks.latency.prometheus import p95_from_prometheus, with_platforms_word
from pytest_chefrelease.checks.latency.targets import (
    address,
    demand_measured,
    demand_source,
    endpoints,
    targets,
)
from pytest_chefrelease.checks.latency.watched import is_over, is_slow, stand, timeline
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.runbook import p95, slow_watch
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_REMEDY = "See the slowest ten below; roll forward only with a waiver."

P95 = Item(
    id="latency.p95",
    title="95 of 100 answers come within the limit",
    stages=(Stage.POSTRELEASE, Stage.MONITORING),
    severity=Severity.P3,
    section=Section.MONITORING,
    minimum=Minimum(counts={"n": p95.LEAST_REQUESTS}),
    remedy=_REMEDY,
    timeout_s=1800,
    holds_target=True,
    paces_itself=True,
)


@check(P95, each=endpoints)
@unless_closed
async def latency_p95(look: Context, endpoint: str) -> Evidence:
    """P95 under ``latency.p95``, proven by the rules of ``runbook/p95.py``."""
    if look.settings.latency.source == "logs":
        return await verify_by_log(look, endpoint)
    if look.settings.latency.source == "prometheus":
        return await p95_from_prometheus(look, endpoint)
    if look.settings.latency.source == "locust":
        return await verify_by_locust(look, endpoint)
    demand_source(look)
    address(look, endpoint)  # its own address first: others' are no matter of this check
    found = await campaign(look, targets(look), timeout_of(P95, look.settings))
    measured = found.endpoints[endpoint]
    demand_measured(look, endpoint, measured)
    witness = await second_witness(look, endpoint)
    seen = beside(evidence_of(endpoint, measured, found, look.settings.latency), witness)
    judged = _judge(look, endpoint, found, seen, witness)
    judged = await with_locusts_word(look, endpoint, judged)
    return await with_platforms_word(look, endpoint, judged)


def _judge(
    look: Context, endpoint: str, found: Campaign, seen: Evidence, witness: Witness | None
) -> Evidence:
    measured = found.endpoints[endpoint]
    limit_ms = look.settings.latency.p95.total_seconds() * 1000
    over = [is_over(shot, limit_ms) for shot in measured.shots]
    judgement, _ = p95.judge(found.plan, over)
    words = in_words(endpoint, seen.facts, limit_ms)
    slow = [is_slow(shot, limit_ms) for shot in measured.shots]
    if found.watch_s:
        judgement, seen = _watched(endpoint, found, (over, slow), seen)
        words = seen.summary
    where = f"GET {measured.url}"
    expected = f"P95 under {limit_ms:g} ms"
    if measured.stopped:
        # Requests that a machine too busy to send them let run out prove nothing of the server.
        is_proven = p95.is_over_although_stopped(len(slow), sum(slow), len(found.endpoints))
        raise (Failed if is_proven else Unverified)(
            f"stopped because errors rose: {measured.stopped}; {words}",
            expected=expected,
            where=where,
            remedy="Find the errors' cause (is the path in latency.endpoints right?), then measure "
            "again.",
            evidence=seen,
        )
    own_ms, p95_ms = (seen.facts.get(name) for name in ("lateness_ms", "p95_ms"))
    if (
        isinstance(own_ms, float)
        and isinstance(p95_ms, float)
        and p95.is_too_late(own_ms, p95_ms, limit_ms)
    ):
        raise Unverified(
            f"the prober itself was late, by {own_ms:.0f} ms of P95: {words}",
            expected="its own lateness to be at most 5 % of what it measures",
            where=where,
            remedy="Run it on a machine with less to do, or lower latency.rate.",
            evidence=seen,
        )
    if judgement is not p95.Judgement.UNDECIDED:
        demand_agreement(judgement, witness, seen, words)
    if judgement is p95.Judgement.OVER:
        raise Failed(words, expected=expected, where=where, remedy=_REMEDY, evidence=seen)
    if judgement is p95.Judgement.UNDECIDED:
        raise Unverified(
            f"not decided: {words}",
            expected=f"{expected}, proven in at most {found.requests * found.looks} requests",
            where=where,
            remedy=_undecided_remedy(len(over)),
            evidence=seen,
        )
    return seen


def _watched(
    endpoint: str,
    found: Campaign,
    counted: tuple[Sequence[bool], Sequence[bool]],
    seen: Evidence,
) -> tuple[p95.Judgement, Evidence]:
    """The judgement over the looks of a watch, and when it fell.

    ``counted`` are the requests that were over, and those that were so by the server alone.
    """
    over, slow = counted
    watched = slow_watch.judge(over, found.requests, found.measured, found.watch_s, slow)
    shots = found.endpoints[endpoint].shots
    drawn = timeline(P95.label(endpoint), watched, shots, found.watch_s)
    found_s = None if watched.found_at is None else shots[watched.found_at - 1].at_s
    return watched.judgement, replace(
        seen,
        summary=seen.summary + stand(watched, shots),
        facts={**seen.facts, "looks": len(shots) // slow_watch.PER_LOOK, "slow_at_s": found_s},
        attachments=(drawn, *seen.attachments),
    )


def _undecided_remedy(n: int) -> str:
    if n < p95.LEAST_REQUESTS:
        return f"Raise latency.requests: fewer than {p95.LEAST_REQUESTS} can prove nothing."
    return "Raise latency.requests or latency.budget; P95 is close to the limit."
