"""No request has been answered with 5xx since the deploy."""

from __future__ import annotations

from pytest_chefrelease.checks.closed import unless_closed
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.logs.evidence import (
    counted,
    evidence_of,
    examples,
    groups_table,
    needing,
    rate_chart,
)
from pytest_chefrelease.checks.logs.since_deploy import Reading, before_deploy, since_deploy
from pytest_chefrelease.errors import Failed
from pytest_chefrelease.runbook import log_rules
from pytest_chefrelease.runbook.error_budget import Burn, burn
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Section, Severity, Stage, Symptom
from pytest_chefrelease.runbook.log_tally import Group, Tally

_UNKNOWN_MS, _RECENT_MS = 890_000, 300_000
_REMEDY = "Read the examples below, and the log at their request ids."


@check(
    Item(
        id="logs.no-5xx",
        title="The log has no 5xx since the deploy",
        stages=(Stage.POSTRELEASE, Stage.MONITORING),
        severity=Severity.P2,
        section=Section.MONITORING,
        quick_check=9,
        minimum=needing(requests=1),
        remedy=_REMEDY,
        timeout_s=300,
        looks_last=True,
        stays_failed=True,
        signal="server_errors",
    )
)
@unless_closed
async def logs_no_5xx(look: Context) -> Evidence:
    """5xx by route and message; how fast they use up the error budget says how grave it is."""
    reading = await since_deploy(look)
    tally = reading.tally
    now_min = tally.last_ms // 60_000
    burning = burn(log_rules.of_others(tally.minutes), now_min, look.settings.logs.objective)
    seen = _evidence(reading, burning)
    errors = tally.server_errors
    if not errors:
        return seen
    is_rollback = log_rules.is_above_share(tally.minutes, log_rules.MOST_SHARE)
    is_grave = burning.severity is not None
    if look.settings.logs.errors == "as-before" and not (is_rollback or is_grave):
        return await _as_before(look, reading, seen)
    raise Failed(
        f"{seen.summary}{_above(is_rollback)}{_burning(burning)}",
        expected="no 5xx since the deploy",
        where=reading.place,
        remedy=_REMEDY,
        evidence=seen,
        severity=Severity.P1 if burning.severity is Severity.P1 else None,
        symptom=_symptom(tally, is_rollback=is_rollback),
    )


def _symptom(tally: Tally, *, is_rollback: bool) -> Symptom | None:
    """Few 5xx that went on for 15 minutes, and still do, have a cause that nobody has found."""
    if is_rollback:
        return Symptom.SERVER_ERRORS
    first_ms = min(group.first_ms for group in tally.errors.values())
    last_ms = max(group.last_ms for group in tally.errors.values())
    goes_on = tally.last_ms - last_ms < _RECENT_MS
    return Symptom.CAUSE_UNKNOWN if goes_on and last_ms - first_ms >= _UNKNOWN_MS else None


async def _as_before(look: Context, reading: Reading, seen: Evidence) -> Evidence:
    """Let pass what is no more than before the deploy."""
    before = log_rules.total((await before_deploy(look)).tally.minutes)
    usual = f"before the deploy {before.errors} of {counted(before.requests, 'request')}"
    if log_rules.is_more_than_before(reading.tally.minutes, before):
        raise Failed(
            f"{seen.summary}; {usual}",
            expected='no larger share of 5xx than before (logs.errors = "as-before")',
            where=reading.place,
            remedy=_REMEDY,
            evidence=seen,
        )
    return Evidence(
        summary=f"{seen.summary}; not proven to be more than before: {usual}",
        source=seen.source,
        observed_at=seen.observed_at,
        facts={
            **seen.facts,
            "before_requests": before.requests,
            "before_server_errors": before.errors,
        },
        attachments=seen.attachments,
    )


def _evidence(reading: Reading, burning: Burn) -> Evidence:
    tally = reading.tally
    visitors = log_rules.total(log_rules.of_others(tally.minutes))
    share = 100 * visitors.errors / max(visitors.requests, 1)
    summary = f"no 5xx in {counted(tally.requests, 'request')} since the deploy"
    if tally.server_errors:
        worst = _groups(reading)[0]
        summary = (
            f"{tally.server_errors} of {counted(tally.requests, 'request')} since the deploy "
            f"answered with 5xx, {worst[1].count} of them {' '.join(worst[0].split(chr(9))[:2])}"
        )
    groups = _groups(reading)
    rows = [(_parts(name), group) for name, group in groups]
    columns = ("route", "status", "message")
    tables = [groups_table("5xx since the deploy", columns, rows)] if rows else []
    return evidence_of(
        reading,
        summary,
        {
            "server_errors": tally.server_errors,
            "visitors_requests": visitors.requests,
            "visitors_errors_percent": round(share, 2),
            "burn_5_min": round(burning.short, 1),
            "burn_15_min": round(burning.long, 1),
            "routes_with_5xx": len({name.partition("\t")[0] for name, _ in groups}),
        },
        *tables,
        *examples([(" ".join(name.split("\t")), group) for name, group in groups]),
        rate_chart("5xx a minute", reading, lambda minute: minute.errors),
    )


def _groups(reading: Reading) -> list[tuple[str, Group]]:
    """The most frequent first."""
    found = reading.tally.errors.items()
    return sorted(found, key=lambda each: (-each[1].count, each[0]))


def _parts(name: str) -> tuple[str, str, str]:
    route, _, rest = name.partition("\t")
    status, _, message = rest.partition("\t")
    return route, status, message


def _above(is_rollback: bool) -> str:  # noqa: FBT001 - a fact of the sentence
    return ", above 5 % of requests" if is_rollback else ""


def _burning(burning: Burn) -> str:
    if burning.severity is None:
        return ""
    rates = f"{burning.short:.1f} and {burning.long:.1f} times over 5 and 15 minutes"
    return f"; the error budget burns {rates}"
