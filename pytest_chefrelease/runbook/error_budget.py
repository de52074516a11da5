"""Burn rates of an error budget: how fast errors use up what an objective allows.

Source: Google's SRE workbook, "Alerting on SLOs"; CATALOG.md, "The watch": over 5 and 15
minutes, both of them, at 14.4 times P1, at 6 times P2, with at least 300 requests.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from pytest_chefrelease.runbook.item import Severity
from pytest_chefrelease.runbook.log_tally import Minute

LEAST_REQUESTS = 300
SHORT_MIN, LONG_MIN = 5, 15
_FAST, _SLOW = 14.4, 6.0


class Burn(Struct, frozen=True):
    """Burn rates over 5 and 15 minutes, and over how many requests; 1 uses the budget exactly."""

    short: float
    long: float
    requests: int

    @property
    def severity(self) -> Severity | None:
        """How grave that is; None where it is not, or too few requests were seen to say."""
        if self.requests < LEAST_REQUESTS:
            return None
        both = min(self.short, self.long)
        if both >= _FAST:
            return Severity.P1
        return Severity.P2 if both >= _SLOW else None


def burn(minutes: Mapping[int, Minute], now_min: int, objective: float) -> Burn:
    """The burn at ``now_min`` (minutes since 1970), for an objective such as 0.999."""
    short, long = (_sum(minutes, now_min, length) for length in (SHORT_MIN, LONG_MIN))
    allowed = 1.0 - objective
    return Burn(_rate(*short) / allowed, _rate(*long) / allowed, long[0])


def _sum(minutes: Mapping[int, Minute], now_min: int, length: int) -> tuple[int, int]:
    """Requests and errors of the last minutes, the one that is under way included."""
    kept = [m for key, m in minutes.items() if now_min - length < key <= now_min]
    return sum(m.requests for m in kept), sum(m.errors for m in kept)


def _rate(requests: int, errors: int) -> float:
    return errors / requests if requests else 0.0
