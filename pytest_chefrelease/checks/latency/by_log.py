"""P95 by the application's log: what visitors got, without the way to them.

It is exact: every request since the deploy is in it. Beside the prober it is a second witness,
and where the two contradict each other nobody knows (DESIGN.md section 3, rule 6).
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.latency.targets import is_of_web
from pytest_chefrelease.checks.logs.evidence import evidence_of
from pytest_chefrelease.checks.logs.since_deploy import Reading, since_deploy
from pytest_chefrelease.errors import Failed, NotConfigured, ProbeError, Unverified
from pytest_chefrelease.runbook import p95
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.log_rules import judge_share
from pytest_chefrelease.runbook.log_tally import quantile_ms
from pytest_chefrelease.runbook.log_template import route_template
from pytest_chefrelease.runbook.p95 import Judgement


class Witness(Struct, frozen=True):
    """What the log has of an endpoint: requests, those at or over the limit, and P95."""

    n: int
    over: int
    p95_ms: int | None
    reading: Reading

    @property
    def judgement(self) -> Judgement:
        """Whether P95 is proven to be under the limit, or over it."""
        return judge_share(self.n, self.over, p95.SHARE)

    @property
    def words(self) -> str:
        """``P95 12 ms of 310 requests``."""
        return f"P95 {self.p95_ms} ms of {self.n} requests, {self.over} over"


async def second_witness(look: Context, endpoint: str) -> Witness | None:
    """The log's word on an endpoint of the API; None where it has none.

    That a configured log cannot be read is what the log's own items say.
    """
    if look.settings.logs.source is None or is_of_web(endpoint):
        return None
    try:
        return _witness(await since_deploy(look), look, endpoint)
    except (ProbeError, Unverified):
        return None


async def verify_by_log(look: Context, endpoint: str) -> Evidence:
    """``latency.p95`` where ``latency.source`` is ``logs``; at the end of a watch."""
    if is_of_web(endpoint):
        raise NotConfigured(
            "the API's log has no answers of the web front",
            expected="an endpoint of the API",
            remedy='Name endpoints of the API alone, or set latency.source = "probe".',
        )
    if look.watch is not None:
        await look.watch.pause(look.watch.remaining_s)
    seen = _witness(await since_deploy(look), look, endpoint)
    limit_ms = look.settings.latency.p95.total_seconds() * 1000
    expected = f"P95 under {limit_ms:g} ms"
    evidence = evidence_of(
        seen.reading,
        f"{seen.words} on GET {endpoint} by the log, limit {limit_ms:g} ms",
        {"n": seen.n, "k": seen.over, "limit_ms": limit_ms, "p95_ms": seen.p95_ms},
    )
    if seen.judgement is Judgement.UNDER or seen.n < p95.LEAST_REQUESTS:
        return evidence  # too few are too few by the item's minimum
    kind = Failed if seen.judgement is Judgement.OVER else Unverified
    raise kind(
        evidence.summary if kind is Failed else f"not decided: {evidence.summary}",
        expected=expected,
        where=evidence.source,
        evidence=evidence,
    )


def beside(seen: Evidence, witness: Witness | None) -> Evidence:
    """The prober's evidence, with what the log has of the same."""
    if witness is None or not witness.n:
        return seen
    told = {"log_n": witness.n, "log_k": witness.over, "log_p95_ms": witness.p95_ms}
    return replace(seen, facts={**seen.facts, **told})


def demand_agreement(found: Judgement, witness: Witness | None, seen: Evidence, words: str) -> None:
    """Raise Unverified where the log proves the contrary of what the prober has proven."""
    if witness is None or witness.judgement in (found, Judgement.UNDECIDED):
        return
    raise Unverified(
        f"two witnesses differ: the prober has {words}; the log has {witness.words}",
        expected="the same of both",
        where=witness.reading.place,
        remedy="Where the log is slower, visitors ask for more than the prober does: look at "
        "their routes. Where the prober is slower, look at what lies between: proxy, network.",
        evidence=seen,
    )


def _witness(reading: Reading, look: Context, endpoint: str) -> Witness:
    took = reading.tally.latency.get(f"GET {route_template(endpoint)}", {})
    limit_ms = look.settings.latency.p95.total_seconds() * 1000
    n = sum(took.values())
    over = sum(count for ms, count in took.items() if ms >= limit_ms)
    return Witness(n, over, quantile_ms(took, 1 - p95.SHARE) if n else None, reading)
