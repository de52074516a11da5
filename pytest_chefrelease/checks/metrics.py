"""Metrics: what Prometheus counts of the application: errors, instances, restarts, its pool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.prometheus_access import prometheus_of, window_of
from pytest_chefrelease.errors import Failed, NotApplicable, Unverified
from pytest_chefrelease.probes.prometheus import PrometheusApi, selector
from pytest_chefrelease.runbook.evidence import Evidence, Fact
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage, Symptom

_MOST_ERRORS = 0.05
_LEAST_REQUESTS = 59
"""Of fewer nothing can be said: 0.95 to the power of 59 is below 5 %."""
_RESTART_WINDOW = "15m"
_REMEDY = "Look at the application's dashboards; the response says whether to roll back."

_Judged = Callable[[Context, PrometheusApi], Awaitable[Evidence]]


def _signals(_settings: object, _stage: Stage) -> tuple[str, ...]:
    return tuple(_SIGNALS)


@check(
    Item(
        id="metrics.signal",
        title="Prometheus counts no errors above 5 %, no instance down, no restart, no full pool",
        stages=(Stage.POSTRELEASE, Stage.MONITORING),
        severity=Severity.P2,
        section=Section.BEYOND,
        minimum=Minimum(counts={"samples": 1}),
        remedy=_REMEDY,
        if_configured=True,
        signal="value",
    ),
    each=_signals,
)
async def metrics_signal(look: Context, name: str) -> Evidence:
    """One signal by instant queries; where Prometheus has no sample, nothing is proven."""
    api = prometheus_of(look)
    if api is None:
        raise NotApplicable("no Prometheus is configured (prometheus.url)")
    return await _SIGNALS[name](look, api)


async def _error_rate(look: Context, api: PrometheusApi) -> Evidence:
    table, window = look.settings.prometheus, window_of(look)
    status = f'{table.status_label}=~"5.."'
    every = selector(table.matchers)
    wrong = selector((*table.matchers, status))
    total = await api.count(f"sum(increase({table.requests}{every}[{window}]))")
    failed = await api.count(f"sum(increase({table.requests}{wrong}[{window}]))") or 0.0
    if not total or total < _LEAST_REQUESTS:
        raise Unverified(
            f"{total or 0:.0f} requests in {window}: no traffic is not the same as no errors",
            expected=f"at least {_LEAST_REQUESTS} requests",
            where=f"{table.requests}{every} at {table.url}",
            remedy="Wait for traffic, or correct prometheus.requests and prometheus.matchers.",
        )
    share = failed / total
    seen = _evidence(
        look,
        f"{share:.2%} of {total:.0f} requests in {window} ended in a 5xx",
        {"samples": 1, "value": round(share, 5), "requests": round(total), "errors": round(failed)},
    )
    if share > _MOST_ERRORS:
        raise Failed(
            seen.summary,
            expected=f"at most {_MOST_ERRORS:.0%}",
            where=seen.source,
            remedy=_REMEDY,
            evidence=seen,
            symptom=Symptom.SERVER_ERRORS,
        )
    return seen


async def _instances(look: Context, api: PrometheusApi) -> Evidence:
    found = await api.query(f"up{selector(look.settings.prometheus.matchers)}")
    down = [each.labels.get("instance", "an instance") for each in found if not each.value]
    wanted = look.settings.provider.min_instances or 1
    up = len(found) - len(down)
    facts: dict[str, Fact] = {"samples": len(found), "value": up, "down": ", ".join(down)}
    seen = _evidence(look, f"{up} of {len(found)} instances are up", facts)
    if found and (down or up < wanted):
        named = f", down: {', '.join(down[:5])}" if down else ""
        raise Failed(
            f"{seen.summary}{named}",
            expected=f"all up, at least {wanted}",
            where=seen.source,
            evidence=seen,
        )
    return seen


async def _restarts(look: Context, api: PrometheusApi) -> Evidence:
    """A deploy starts a process once; twice in a quarter of an hour is a restart."""
    chosen = selector(look.settings.prometheus.matchers)
    metric = look.settings.prometheus.started
    found = await api.query(f"changes({metric}{chosen}[{_RESTART_WINDOW}])")
    again = [each for each in found if each.value > 1]
    most = max((each.value for each in found), default=0.0)
    facts: dict[str, Fact] = {"samples": len(found), "value": most}
    seen = _evidence(look, f"{len(found)} processes, none restarted in {_RESTART_WINDOW}", facts)
    if again:
        named = ", ".join(
            f"{s.labels.get('instance', 'a process')} {s.value:.0f} times" for s in again[:5]
        )
        raise Failed(
            f"started again and again in {_RESTART_WINDOW}: {named}",
            expected="at most the deploy's own start",
            where=seen.source,
            evidence=seen,
        )
    return seen


async def _pool(look: Context, api: PrometheusApi) -> Evidence:
    """Queries that wait for a connection for a whole minute: the pool is too small, or leaks."""
    table = look.settings.prometheus
    if table.pool_waiting is None:
        raise NotApplicable("no metric of the pool is configured (prometheus.pool_waiting)")
    chosen = selector(table.matchers)
    found = await api.query(f"min_over_time({table.pool_waiting}{chosen}[1m])")
    waiting = sum(each.value for each in found)
    facts: dict[str, Fact] = {"samples": len(found), "value": waiting}
    seen = _evidence(look, f"{waiting:.0f} queries wait for a connection", facts)
    if waiting > 0:
        raise Failed(
            f"at least {waiting:.0f} queries waited for a connection for a whole minute",
            expected="none",
            where=seen.source,
            evidence=seen,
        )
    return seen


def _evidence(look: Context, summary: str, facts: dict[str, Fact]) -> Evidence:
    table = look.settings.prometheus
    source = f"{selector(table.matchers)} at {table.url}"
    return Evidence(summary, source, look.now(), facts)


_SIGNALS: Mapping[str, _Judged] = {
    "error-rate": _error_rate,
    "instances": _instances,
    "restarts": _restarts,
    "pool": _pool,
}
