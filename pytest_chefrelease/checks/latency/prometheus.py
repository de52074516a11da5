"""P95 as Prometheus has it: the platform's word, from what visitors themselves waited."""

from __future__ import annotations

import math

from msgspec import Struct
from msgspec.structs import replace

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.prometheus_access import prometheus_of, window_of
from pytest_chefrelease.errors import Failed, Malformed, NotConfigured, ProbeError, Unverified
from pytest_chefrelease.probes.prometheus import PrometheusApi, Sample, selector
from pytest_chefrelease.runbook import p95
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.histogram import Bucket, BucketQuantile, classes, quantile

_SHARE = 0.95


class _Seen(Struct, frozen=True):
    """How many requests there were in the window, and their P95; None without enough traffic."""

    requests: float
    found: BucketQuantile | None
    buckets: tuple[Bucket, ...] = ()

    @property
    def words(self) -> str:
        """``P95 212 ms (between 100 and 250 ms, by bucket; 840 requests)``."""
        if self.found is None:
            return f"{self.requests:.0f} requests"
        high = "more" if math.isinf(self.found.high_ms) else f"{self.found.high_ms:g} ms"
        return (
            f"P95 {self.found.value_ms:.0f} ms (between {self.found.low_ms:g} and {high}, "
            f"by its bucket; {self.requests:.0f} requests)"
        )


async def p95_from_prometheus(look: Context, endpoint: str) -> Evidence:
    """Passes where the whole bucket is within the limit, fails where it is all beyond it.

    In a watch it is asked at the end.
    """
    api = prometheus_of(look)
    if api is None:
        raise NotConfigured(
            "no Prometheus is configured", remedy="Set prometheus.url in release.toml."
        )
    if look.watch is not None:
        await look.watch.pause(look.watch.remaining_s)
    limit_ms = look.settings.latency.p95.total_seconds() * 1000
    seen = await _read(look, api, endpoint)
    where = f"{look.settings.prometheus.histogram} at {look.settings.prometheus.url}"
    expected = f"P95 under {limit_ms:g} ms"
    if seen.found is None:
        raise Unverified(
            f"{seen.words} of {endpoint} in {window_of(look)}: no traffic is not the same as fast",
            expected=f"at least {p95.LEAST_REQUESTS} requests",
            where=where,
            remedy="Wait for traffic, correct [prometheus], or set latency.source = 'probe'.",
        )
    evidence = _evidence(look, seen, seen.found, where)
    if seen.found.low_ms >= limit_ms:
        raise Failed(seen.words, expected=expected, where=where, evidence=evidence)
    if seen.found.high_ms > limit_ms:
        raise Unverified(
            f"{seen.words}: the limit lies inside the bucket",
            expected=expected,
            where=where,
            remedy=f"Give the histogram a bucket at {limit_ms / 1000:g} s.",
            evidence=evidence,
        )
    return evidence


async def with_platforms_word(look: Context, endpoint: str, seen: Evidence) -> Evidence:
    """The prober's evidence, with what Prometheus says. Raises Unverified where they differ.

    Only a P95 that is certainly over the limit contradicts: visitors ask for other things than
    the prober does. What Prometheus cannot say is told, and no reason to hold.
    """
    api = prometheus_of(look)
    if api is None or endpoint.startswith("web "):
        return seen
    try:
        platform = await _read(look, api, endpoint)
    except ProbeError as error:
        return replace(seen, facts={**seen.facts, "platform": f"unread: {error.seen}"})
    facts = {**seen.facts, "platform": platform.words}
    limit_ms = look.settings.latency.p95.total_seconds() * 1000
    if platform.found is not None and platform.found.low_ms >= limit_ms:
        raise Unverified(
            f"two witnesses differ: the prober says {seen.summary}; Prometheus {platform.words}",
            expected=f"both under {limit_ms:g} ms",
            where=f"{look.settings.prometheus.histogram} at {look.settings.prometheus.url}",
            remedy="Find out what visitors wait for that the prober does not ask.",
            evidence=replace(seen, facts=facts),
        )
    if platform.found is None:
        return replace(seen, facts=facts)
    return replace(seen, facts=facts, attachments=(*seen.attachments, _distribution(platform)))


async def _read(look: Context, api: PrometheusApi, endpoint: str) -> _Seen:
    table, window = look.settings.prometheus, window_of(look)
    quoted = endpoint.replace("\\", "\\\\").replace('"', '\\"')
    chosen = selector((*table.matchers, f'{table.route_label}="{quoted}"'))
    found = await api.query(f"sum by (le) (increase({table.histogram}_bucket{chosen}[{window}]))")
    buckets = [_bucket(each, table.url) for each in found]
    requests = max((count for _, count in buckets), default=0.0)
    enough = requests >= p95.LEAST_REQUESTS
    return _Seen(requests, quantile(_SHARE, buckets) if enough else None, tuple(buckets))


def _bucket(sample: Sample, url: str | None) -> tuple[float, float]:
    """A bucket's upper bound in seconds, and how many requests it counts. Raises Malformed."""
    told = sample.labels.get("le", "inf")
    try:
        bound = float(told)
    except ValueError:
        bound = math.nan
    if math.isnan(bound) or not 0 <= sample.value < math.inf:
        raise Malformed(
            f"Prometheus has a bucket up to {told[:40]} s with {sample.value:g} requests",
            where=url or "",
            remedy="Correct prometheus.histogram: it names a histogram of seconds.",
        )
    return bound, sample.value


def _distribution(seen: _Seen) -> Table:
    """How many requests fell into each bucket that holds any."""
    rows = tuple(
        (
            f"{low * 1000:g} ms and more"
            if math.isinf(high)
            else f"{low * 1000:g} to {high * 1000:g} ms",
            f"{count:.0f}",
            f"{count / seen.requests:.1%}",
        )
        for low, high, count in classes(seen.buckets)
        if round(count)
    )
    return Table("Distribution by Prometheus' buckets", ("Latency", "Requests", "Share"), rows)


def _evidence(look: Context, seen: _Seen, found: BucketQuantile, where: str) -> Evidence:
    finite = not math.isinf(found.high_ms)
    return Evidence(
        summary=seen.words,
        source=where,
        observed_at=look.now(),
        facts={
            "n": round(seen.requests),
            "p95_ms": round(found.value_ms, 1),
            "p95_low_ms": found.low_ms,
            "p95_high_ms": found.high_ms if finite else None,
        },
        attachments=(_distribution(seen),),
    )
