"""What comparing two measurements of latency takes, whichever of them came first."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.latency.campaign import Measured
from pytest_chefrelease.errors import Unverified
from pytest_chefrelease.probes.prober import Shot
from pytest_chefrelease.runbook import p95
from pytest_chefrelease.runbook.slower import Difference, Margin


def latencies(shots: Sequence[Shot]) -> list[float | None]:
    """Milliseconds, in the order of the schedule; None for a request that failed."""
    return [None if shot.error else shot.ms for shot in shots]


def margin(look: Context) -> Margin:
    """What settings call a relevant difference."""
    table = look.settings.latency
    return Margin(table.slower_share, table.slower_least.total_seconds() * 1000)


def demand_punctual(look: Context, measured: Measured) -> None:
    """Raise Unverified where the prober itself was late: a difference would be its own."""
    own_ms = p95.own_part_ms(latencies(measured.shots), [shot.late_ms for shot in measured.shots])
    limit_ms = look.settings.latency.p95.total_seconds() * 1000
    if p95.is_too_late(own_ms, p95.quantiles(latencies(measured.shots)).p95_ms, limit_ms):
        raise Unverified(
            f"the prober itself was late, by {own_ms:.0f} ms of P95",
            expected="its own lateness to be at most 5 % of what it measures",
            where=f"GET {measured.url}",
            remedy="Run it on a machine with less to do, or lower latency.rate.",
        )


def told(of: Difference) -> str:
    """``P95 612 ms, was 240 ms (372 ms more, surely 290 to 410 ms)``."""
    interval = f"surely {ms(of.low_ms)} to {ms(of.high_ms)}"
    if not isfinite(of.high_ms):
        interval = f"surely {ms(of.low_ms)} or more" if isfinite(of.low_ms) else "in any case"
    more = "more" if of.ms >= 0 else "less"
    changed = f"{ms(abs(of.ms))} {more}, {interval}" if isfinite(of.ms) else "too many failed"
    return f"{of.quantile} {ms(of.after_ms)}, was {ms(of.before_ms)} ({changed})"


def ms(value: float) -> str:
    """``612 ms``, ``4.2 ms``, ``beyond any limit``."""
    if not isfinite(value):
        return "beyond any limit"
    return f"{value:.0f} ms" if abs(value) >= 10 else f"{value:.2g} ms"
