"""What latency is compared with: the version before, as the ledger remembers it, or staging."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.latency import comparing
from pytest_chefrelease.checks.latency.campaign import Fixed, Target, campaign
from pytest_chefrelease.errors import NotConfigured, ProbeError, Unverified
from pytest_chefrelease.probes.ledger import LedgerProbe
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.slower import Measured, figures

_OLDEST = timedelta(days=90)
"""A system of last year is no measure for this one."""


class Baseline(Struct, frozen=True):
    """What was measured before, in words, and when."""

    words: str
    at: datetime
    measured: Measured


async def baseline(
    look: Context, endpoint: str, targets_there: Sequence[Target], time_limit_s: float
) -> Baseline:
    """The newest measurement of the version before; else staging, measured now.

    ``targets_there`` are staging's. Raises Unverified where neither is to be had.
    """
    found = await _remembered(look, endpoint)
    if found is not None:
        return found
    return await _staging(look, endpoint, targets_there, time_limit_s)


async def _remembered(look: Context, endpoint: str) -> Baseline | None:
    ledger = LedgerProbe(Path(look.settings.report.ledger_path))
    environment, version = look.settings.release.environment, look.release.version
    try:
        found = await asyncio.to_thread(ledger.latency, environment, endpoint, version)
    except NotConfigured:
        return None  # there is no ledger yet
    if found is None or look.now() - found.at > _OLDEST:
        return None
    if found.stage == Stage.PRERELEASE:
        words = "the version before, measured before the deploy"
    else:
        words = f"{found.version or 'an earlier release'}, measured after its own deploy"
    return Baseline(words, found.at, found.measured)


async def _staging(
    look: Context, endpoint: str, targets_there: Sequence[Target], time_limit_s: float
) -> Baseline:
    if endpoint not in [target.name for target in targets_there]:
        raise Unverified(
            "no earlier measurement is in the ledger, and staging has no address",
            expected="latency.calibration in prerelease, or staging",
            where=look.settings.report.ledger_path,
            remedy="Run pytest -m prerelease before the deploy, and keep report.ledger.",
        )
    fixed = Fixed("staging", look.settings.latency.calibration, 1)
    try:
        # Also in a watch: staging has nothing to be watched for.
        found = await campaign(replace(look, watch=None), targets_there, time_limit_s, fixed)
    except ProbeError as error:
        raise Unverified(
            f"staging, to compare with: {error.seen}", where=error.where, remedy=error.remedy
        ) from None
    measured = found.endpoints[endpoint]
    if measured.refusal or measured.stopped or len(measured.shots) < fixed.requests:
        why = measured.refusal.seen if measured.refusal else measured.stopped or "cut"
        raise Unverified(
            f"no earlier measurement is in the ledger, and staging could not be measured: {why}",
            where=f"GET {measured.url}",
            remedy="Run pytest -m prerelease before the deploy, and keep report.ledger.",
        )
    comparing.demand_punctual(look, measured)
    known = Measured(endpoint, figures(comparing.latencies(measured.shots)))
    return Baseline("staging", datetime.fromisoformat(found.finished_at), known)
