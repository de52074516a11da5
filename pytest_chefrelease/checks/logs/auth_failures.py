"""Refused requests do not jump: 401s are not above ten times their rate before the deploy."""

from __future__ import annotations

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.logs.evidence import counted, evidence_of, needing, rate_chart
from pytest_chefrelease.checks.logs.since_deploy import Reading, before_deploy, since_deploy
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.runbook import log_rules
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Section, Severity, Stage
from pytest_chefrelease.runbook.log_rules import Refusals

_LEAST_BEFORE, _LEAST_SINCE = 100, 10


@check(
    Item(
        id="logs.auth-failures",
        title="Authentication fails no more often than before the deploy",
        stages=(Stage.MONITORING,),
        severity=Severity.P1,
        section=Section.MONITORING,
        quick_check=9,
        minimum=needing(visitors_requests=_LEAST_SINCE, before_requests=_LEAST_BEFORE),
        remedy="Roll back now: users cannot stay logged in, or somebody tries passwords. Compare "
        "JWT_SECRET, cookies' domains and clocks with those of the release before.",
        timeout_s=300,
    )
)
async def logs_auth_failures(look: Context) -> Evidence:
    """401s to others than this suite, against ten times the highest rate they had before.

    This suite's own are told by the user agent where the log has it.
    """
    reading, before = await since_deploy(look), await before_deploy(look)
    usual = log_rules.refusals_before(before.tally, reading.deploy.ms)
    now = log_rules.refusals_since(reading.tally, reading.deploy.ms)
    seen = _evidence(reading, before, usual, now)
    if before.tally.requests < _LEAST_BEFORE:
        raise Unverified(
            f"the log has {counted(before.tally.requests, 'request')} of before the deploy: "
            "nobody can say what is usual",
            expected=f"{_LEAST_BEFORE} or more within logs.baseline",
            where=before.place,
            remedy="Let logs.source name the logs of before the deploy too, archives with them, "
            "or raise logs.baseline.",
            evidence=seen,
        )
    if log_rules.are_refusals_jumping(reading.tally, reading.deploy.ms, usual):
        raise Failed(
            seen.summary,
            expected="at most ten times the rate of before",
            where=reading.place,
            evidence=seen,
        )
    needed_min = log_rules.telling_min(usual)
    if now.exposure_min < needed_min:
        raise Unverified(
            f"{seen.summary}: too short a time to tell, a tenfold rate would show after "
            f"{needed_min * 60:.0f} s",
            expected=f"a log of {needed_min * 60:.0f} s or more since the deploy",
            where=reading.place,
            remedy="Watch longer.",
            evidence=seen,
        )
    return seen


def _evidence(reading: Reading, before: Reading, usual: Refusals, now: Refusals) -> Evidence:
    visitors = log_rules.total(reading.tally.minutes).of_others
    return evidence_of(
        reading,
        f"{now.rate:.1f} refusals (401) a minute since the deploy, {now.count} in "
        f"{now.exposure_min * 60:.0f} s; {usual.rate:.1f} a minute before it",
        {
            "refused": now.count,
            "refused_per_min": round(now.rate, 2),
            "before_refused": usual.count,
            "before_refused_per_min": round(usual.rate, 2),
            "before_min": round(usual.exposure_min, 1),
            "before_requests": before.tally.requests,
            "visitors_requests": visitors.requests,
        },
        rate_chart("401 a minute", reading, lambda minute: minute.refused),
    )
