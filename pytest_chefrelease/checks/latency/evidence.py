"""What the report shows of measured latency: facts, chart, distribution, the slowest ten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pytest_chefrelease.checks.latency.campaign import Campaign, Measured
from pytest_chefrelease.checks.latency.watched import is_over
from pytest_chefrelease.probes.prober import Shot
from pytest_chefrelease.runbook import p95
from pytest_chefrelease.runbook.evidence import Chart, Evidence, Fact, Table
from pytest_chefrelease.settings.model import LatencyTable

_CHART_POINTS = 300
_SLOWEST = 10
_EDGES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0)
"""Edges of the distribution's classes, as multiples of the limit."""


def evidence_of(
    endpoint: str, measured: Measured, found: Campaign, settings: LatencyTable
) -> Evidence:
    """Evidence of one endpoint's requests; there may be none at all."""
    limit_ms = settings.p95.total_seconds() * 1000
    facts = _facts(measured.shots, limit_ms, found)
    facts["rate"] = measured.rate
    facts["batches_set_aside"] = found.set_aside
    return Evidence(
        summary=in_words(endpoint, facts, limit_ms),
        source=f"GET {measured.url}",
        observed_at=datetime.fromisoformat(found.finished_at),
        facts=facts,
        attachments=(
            _chart(endpoint, measured.shots, limit_ms, facts),
            _slowest(measured.shots),
            _distribution(measured.shots, limit_ms),
        ),
    )


def in_words(endpoint: str, facts: Mapping[str, Fact], limit_ms: float) -> str:
    """The measured P95 against its limit, in one sentence without a full stop."""
    path = endpoint.removeprefix("web ")
    if not facts["n"]:
        return f"no request was sent to GET {path}"
    p95_ms = facts["p95_ms"]
    is_under = isinstance(p95_ms, int | float) and p95_ms < limit_ms
    low, high = _ms(facts["p95_low_ms"]), _ms(facts["p95_high_ms"])
    return (
        f"P95 {_ms(p95_ms)} {'under' if is_under else 'over'} {limit_ms:g} ms on GET {path} "
        f"({facts['n']} requests, {facts['k']} over; interval {_interval(low, high)})"
    )


def _facts(shots: Sequence[Shot], limit_ms: float, found: Campaign) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        "n": len(shots),
        "k": sum(is_over(shot, limit_ms) for shot in shots),
        "limit_ms": limit_ms,
    }
    if not shots:
        return facts
    latencies = [None if shot.error else shot.ms for shot in shots]
    late = [shot.late_ms for shot in shots]
    ranks = p95.interval_ranks(len(shots), found.requests, found.looks)
    seen = p95.quantiles(latencies, ranks)
    failed = sum(bool(shot.error) for shot in shots)
    answered = [shot.ms for shot in shots if not shot.error]
    statuses: dict[str, int] = {}
    for shot in shots:
        name = str(shot.status) if shot.status else "no answer"
        statuses[name] = statuses.get(name, 0) + 1
    return facts | {
        "p50_ms": _rounded(seen.p50_ms),
        "p95_ms": _rounded(seen.p95_ms),
        "p99_ms": _rounded(seen.p99_ms),
        "max_ms": _rounded(max(answered, default=None)),
        "p95_low_ms": _rounded(seen.p95_low_ms),
        "p95_high_ms": _rounded(seen.p95_high_ms),
        "error_rate": round(failed / len(shots), 4),
        "lateness_ms": round(p95.own_part_ms(latencies, late), 2),
        "lateness_max_ms": round(max(late), 2),
        "statuses": dict(statuses),
    }


def _chart(
    endpoint: str, shots: Sequence[Shot], limit_ms: float, facts: Mapping[str, Fact]
) -> Chart:
    """The slowest request of each of at most 300 spans; a failed one at the limit or above."""
    points = [(shot.at_s, max(shot.ms, limit_ms) if shot.error else shot.ms) for shot in shots]
    size = -(-len(points) // _CHART_POINTS) or 1
    spans = [points[start : start + size] for start in range(0, len(points), size)]
    low, high = facts.get("p95_low_ms"), facts.get("p95_high_ms")
    band = None
    if isinstance(low, int | float) and isinstance(high, int | float):
        band = (float(low), float(high))
    return Chart(
        f"Latency of GET {endpoint.removeprefix('web ')}, with the interval of P95",
        "ms",
        tuple(max(span, key=lambda point: point[1]) for span in spans),
        limit=limit_ms,
        band=band,
    )


def _slowest(shots: Sequence[Shot]) -> Table:
    ranked = sorted(shots, key=lambda shot: (bool(shot.error), shot.ms), reverse=True)
    return Table(
        "The slowest ten",
        ("Started", "Took", "Answer"),
        tuple(
            (f"{shot.at_s:.2f} s", f"{shot.ms:.0f} ms", shot.error or f"status {shot.status}")
            for shot in ranked[:_SLOWEST]
        ),
    )


def _distribution(shots: Sequence[Shot], limit_ms: float) -> Table:
    """How many requests fell into each class of latency."""
    edges = [edge * limit_ms for edge in _EDGES]
    rows = []
    for low, high in zip([0.0, *edges], [*edges, float("inf")], strict=True):
        count = sum(not shot.error and low <= shot.ms < high for shot in shots)
        name = f"{low:g} to {high:g} ms" if high != float("inf") else f"{low:g} ms and more"
        if count:
            rows.append((name, str(count), f"{count / len(shots):.1%}"))
    failed = sum(bool(shot.error) for shot in shots)
    if failed:
        rows.append(("failed", str(failed), f"{failed / len(shots):.1%}"))
    return Table("Distribution", ("Latency", "Requests", "Share"), tuple(rows))


def _interval(low: str, high: str) -> str:
    unit = " ms"
    return f"{low.removesuffix(unit) if high.endswith(unit) else low} to {high}"


def _ms(value: Fact) -> str:
    if not isinstance(value, int | float):
        return "beyond any limit"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.2g} ms"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
