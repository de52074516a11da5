"""P95 at production rates: a Locust run that somebody else has driven, judged by its statistics.

It is the only witness where ``latency.source`` is ``locust``, and beside the prober a second one.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.logs.since_deploy import deploy_of
from pytest_chefrelease.errors import Failed, NotConfigured, ProbeError, Unverified
from pytest_chefrelease.probes.locust import moment, read_statistics
from pytest_chefrelease.runbook import p95
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.load_test import Entry, Loaded, loaded
from pytest_chefrelease.runbook.p95 import Judgement

_AHEAD = timedelta(minutes=1)
_AGAIN = "Run Locust against this release again, then this stage."


class _Seen(Struct, frozen=True):
    """What one run of Locust says of an endpoint."""

    endpoint: str
    found: Loaded
    started_at: datetime
    ended_at: datetime
    path: Path

    @property
    def words(self) -> str:
        """``P95 230 ms of 41200 requests, 310 over``, and what is left open."""
        found = self.found
        at_most = f" (at most {found.over_at_most})" if found.over_at_most > found.over else ""
        waited = f", {found.not_sent} more not sent while it stood still" * bool(found.not_sent)
        return f"P95 {found.p95_ms} ms of {found.n} requests, {found.over} over{at_most}{waited}"


async def verify_by_locust(look: Context, endpoint: str) -> Evidence:
    """``latency.p95`` where ``latency.source`` is ``locust``; at the end of a watch.

    Raises Unverified for statistics that are old, from before the deploy, or of too little.
    """
    if look.watch is not None:
        await look.watch.pause(look.watch.remaining_s)
    seen = await _read(look, endpoint)
    limit_ms = look.settings.latency.p95.total_seconds() * 1000
    expected = f"P95 under {limit_ms:g} ms"
    evidence = _evidence(look, seen, limit_ms)
    judgement = seen.found.judgement
    if judgement is Judgement.UNDER or seen.found.n < p95.LEAST_REQUESTS:
        return evidence  # too few are too few by the item's minimum
    if judgement is Judgement.OVER:
        raise Failed(evidence.summary, expected=expected, where=str(seen.path), evidence=evidence)
    raise Unverified(
        f"not decided: {evidence.summary}",
        expected=expected,
        where=str(seen.path),
        remedy="Let Locust run longer, and find out what failed or stood still meanwhile.",
        evidence=evidence,
    )


async def with_locusts_word(look: Context, endpoint: str, seen: Evidence) -> Evidence:
    """The prober's evidence, with what Locust has of it. Raises Unverified where they differ.

    Only a P95 that is proven to be over contradicts: under load answers may be slower than to the
    prober, never quicker for certain. What Locust cannot say is told, and no reason to hold.
    """
    if look.settings.latency.locust is None:
        return seen
    try:
        other = await _read(look, endpoint)
    except (ProbeError, Unverified) as unread:
        return replace(seen, facts={**seen.facts, "locust": f"unread: {unread.seen}"})
    facts = {**seen.facts, "locust": other.words}
    if other.found.judgement is Judgement.OVER:
        raise Unverified(
            f"two witnesses differ: the prober says {seen.summary}; Locust {other.words}",
            expected="the same of both",
            where=str(other.path),
            remedy="Find out what load slows down that the prober's few requests do not.",
            evidence=replace(seen, facts=facts),
        )
    return replace(seen, facts=facts)


async def _read(look: Context, endpoint: str) -> _Seen:
    named = look.settings.latency.locust
    if named is None:
        raise NotConfigured(
            "no statistics of Locust are named",
            remedy="Set latency.locust in release.toml to the file of locust --json-file.",
        )
    path = look.repository / named
    entries = await asyncio.to_thread(read_statistics, path)
    entry = _entry_of(endpoint, entries, path)
    started = moment(entry.start_time, path)
    ended = moment(entry.last_request_timestamp or entry.start_time, path)
    await _demand_of_this_release(look, started, ended, path)
    limit_ms = look.settings.latency.p95.total_seconds() * 1000
    return _Seen(endpoint, loaded(entry, entries, limit_ms), started, ended, path)


def _entry_of(endpoint: str, entries: list[Entry], path: Path) -> Entry:
    for entry in entries:
        if (entry.method or "GET") == "GET" and entry.name == endpoint:
            return entry
    names = ", ".join(f"{entry.method} {entry.name[:80]}" for entry in entries[:10])
    raise Unverified(
        f"Locust asked nothing by the name GET {endpoint}, but {names or 'nothing at all'}",
        expected=f"at least {p95.LEAST_REQUESTS} requests",
        where=str(path),
        remedy=f'Ask it in the locustfile, as self.client.get(..., name="{endpoint}"), or name '
        "what it asks in latency.endpoints.",
    )


async def _demand_of_this_release(
    look: Context, started: datetime, ended: datetime, path: Path
) -> None:
    """Statistics of another release, or of long ago, say nothing of this one now."""
    age, most = look.now() - ended, look.settings.latency.locust_max_age
    if age > most or age < -_AHEAD:
        raise Unverified(
            f"Locust's last request was at {ended:%Y-%m-%d %H:%M:%S} UTC",
            expected=f"one within the last {most}",
            where=str(path),
            remedy=_AGAIN,
        )
    deploy = await deploy_of(look)
    if started < deploy.at:
        raise Unverified(
            f"Locust's first request was at {started:%Y-%m-%d %H:%M:%S} UTC, before the deploy",
            expected=f"all of them after {deploy.at:%H:%M:%S} UTC ({deploy.told_by})",
            where=str(path),
            remedy=_AGAIN,
        )


def _evidence(look: Context, seen: _Seen, limit_ms: float) -> Evidence:
    found = seen.found
    seconds = max((seen.ended_at - seen.started_at).total_seconds(), 1.0)
    return Evidence(
        summary=f"{seen.words} on GET {seen.endpoint} by Locust, limit {limit_ms:g} ms",
        source=str(seen.path),
        observed_at=seen.ended_at,
        facts={
            "n": found.n,
            "k": found.over,
            "k_at_most": found.over_at_most,
            "not_sent": found.not_sent,
            "failures": found.failures,
            "limit_ms": limit_ms,
            "p95_ms": found.p95_ms,
            "p95_low_ms": found.p95_low_ms,
            "p95_high_ms": found.p95_high_ms,
            "rate": round(found.n / seconds, 1),
            "age_s": round((look.now() - seen.ended_at).total_seconds()),
        },
    )
