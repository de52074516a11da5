"""Latency: how long the slowest answers take that a visitor still has to expect."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_chefrelease.checks.closed import unless_closed
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.engine import timeout_of
from pytest_chefrelease.checks.latency_campaign import (
    Campaign,
    Measured,
    Target,
    campaign,
    is_over,
)
from pytest_chefrelease.checks.latency_evidence import evidence_of, in_words
from pytest_chefrelease.errors import Failed, NotApplicable, NotConfigured, Unverified
from pytest_chefrelease.runbook import p95
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.settings.model import Settings

_WEB = "web "
_REMEDY = "See the slowest ten below; roll forward only with a waiver."


def endpoints(settings: Settings, _stage: Stage) -> Sequence[str]:
    """``/health`` for the API, ``web /login`` for the web front.

    Without ``latency.endpoints``: the smoke endpoints that are GET, and the web routes.
    """
    chosen = settings.latency.endpoints
    if not chosen:
        smoke = (e.path for e in settings.smoke.endpoints if e.method == "GET")
        chosen = (*smoke, *(_WEB + path for path in settings.routes.paths))
    return tuple(dict.fromkeys(chosen))


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
    _demand_source(look)
    _address(look, endpoint)  # its own address first: others' are no matter of this check
    found = await campaign(look, _targets(look), timeout_of(P95, look.settings))
    measured = found.endpoints[endpoint]
    _demand_measured(look, endpoint, measured)
    seen = evidence_of(endpoint, measured, found, look.settings.latency)
    return _judge(look, endpoint, found, seen)


def _demand_source(look: Context) -> None:
    source = look.settings.latency.source
    if source != "probe":
        raise NotConfigured(
            f"P95 cannot be read from {source} yet",
            expected='latency.source = "probe"',
            remedy='Set latency.source = "probe" in release.toml.',
        )


def _address(look: Context, endpoint: str) -> str:
    if endpoint.startswith(_WEB):
        return look.web + endpoint.removeprefix(_WEB)
    return look.api + endpoint


def _targets(look: Context) -> list[Target]:
    """All endpoints that have an address."""
    found = []
    for name in endpoints(look.settings, look.stage):
        try:
            found.append(Target(name, _address(look, name), _accepted(look, name)))
        except NotConfigured:
            continue  # the endpoint's own check says so
    return found


def _accepted(look: Context, name: str) -> tuple[int, ...]:
    """Statuses of 400 and more that count as answered: what smoke allows for the path.

    A refusal to who is not logged in counts only where settings list the endpoint: it
    says little of the endpoint, and floods of it look like an attack in the target's logs.
    """
    allowed: set[int] = set()
    for endpoint in look.settings.smoke.endpoints:
        if endpoint.method == "GET" and endpoint.path == name:
            allowed.update(status for status in endpoint.status if status >= 400)
    if name not in look.settings.latency.endpoints:
        allowed -= {401, 403}
    return tuple(sorted(allowed))


def _demand_measured(look: Context, endpoint: str, measured: Measured) -> None:
    """Raise what kept the endpoint from being measured, or measured to the end."""
    refusal = measured.refusal
    if refusal is None:
        return
    is_default = endpoint not in look.settings.latency.endpoints
    kind = NotApplicable if refusal.is_guarded and is_default else Unverified
    asked = f" after {len(measured.shots)} requests" if measured.shots else ""
    raise kind(refusal.seen + asked, where=refusal.where, remedy=refusal.remedy)


def _judge(look: Context, endpoint: str, found: Campaign, seen: Evidence) -> Evidence:
    measured = found.endpoints[endpoint]
    limit_ms = look.settings.latency.p95.total_seconds() * 1000
    over = [is_over(shot, limit_ms) for shot in measured.shots]
    judgement, _ = p95.judge(found.plan, over)
    words = in_words(endpoint, seen.facts, limit_ms)
    where = f"GET {measured.url}"
    expected = f"P95 under {limit_ms:g} ms"
    if measured.stopped:
        is_proven = p95.is_over_although_stopped(len(over), sum(over), len(found.endpoints))
        raise (Failed if is_proven else Unverified)(
            f"stopped because errors rose: {measured.stopped}; {words}",
            expected=expected,
            where=where,
            remedy=_REMEDY if is_proven else "Find the errors' cause, then measure again.",
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


def _undecided_remedy(n: int) -> str:
    if n < p95.LEAST_REQUESTS:
        return f"Raise latency.requests: fewer than {p95.LEAST_REQUESTS} can prove nothing."
    return "Raise latency.requests or latency.budget; P95 is close to the limit."
