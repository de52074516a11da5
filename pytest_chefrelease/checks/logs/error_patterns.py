"""No error is logged that was not logged before the deploy."""

from __future__ import annotations

import re

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.logs.evidence import (
    counted,
    evidence_of,
    examples,
    groups_table,
    needing,
)
from pytest_chefrelease.checks.logs.since_deploy import Reading, before_deploy, since_deploy
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.probes.logs.parse import CRASH
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Section, Severity, Stage
from pytest_chefrelease.runbook.log_tally import OTHERS, Group

_LEAST_BEFORE = 100


@check(
    Item(
        id="logs.error-patterns",
        title="No error is logged that was not logged before the deploy",
        stages=(Stage.MONITORING,),
        severity=Severity.P3,
        section=Section.MONITORING,
        quick_check=9,
        blocking=False,
        minimum=needing(before_lines=_LEAST_BEFORE),
        remedy="Read the examples below: crashes, lack of memory, refused connections and "
        "unhandled rejections first. What is harmless goes into logs.known.",
        timeout_s=300,
    )
)
async def logs_error_patterns(look: Context) -> Evidence:
    """Messages at level error, or that look like a crash, by template, less those of before."""
    reading, before = await since_deploy(look), await before_deploy(look)
    known = [re.compile(pattern) for pattern in look.settings.logs.known]
    new = [
        (template, group)
        for template, group in sorted(reading.tally.messages.items(), key=_gravest)
        if template not in before.tally.messages
        and not any(pattern.search(template) for pattern in known)
    ]
    seen = _evidence(reading, before, new)
    if before.tally.lines < _LEAST_BEFORE:
        raise Unverified(
            f"the log has {counted(before.tally.lines, 'line')} of before the deploy: nobody can "
            "say what is new",
            expected=f"{_LEAST_BEFORE} or more within logs.baseline",
            where=before.place,
            remedy="Let logs.source name the logs of before the deploy too, archives with them, "
            "or raise logs.baseline.",
            evidence=seen,
        )
    if new:
        raise Failed(
            seen.summary,
            expected="no error message that was not there before the deploy",
            where=reading.place,
            evidence=seen,
        )
    return seen


def _gravest(each: tuple[str, Group]) -> tuple[bool, int, str]:
    """What looks like a crash first, then by count; what is only a remainder last."""
    template, group = each
    return (not CRASH.search(template), -group.count * (template != OTHERS), template)


def _evidence(reading: Reading, before: Reading, new: list[tuple[str, Group]]) -> Evidence:
    known = len(reading.tally.messages) - len(new)
    old = f"{counted(known, 'message')} that were there before" if known else "no error at all"
    summary = f"no new error message since the deploy ({old})"
    if new:
        template, group = new[0]
        rest = f", and {counted(len(new) - 1, 'more message')}" if len(new) > 1 else ""
        summary = f"new since the deploy, {counted(group.count, 'time')}: {template[:160]}{rest}"
    rows = [((template,), group) for template, group in new]
    tables = [groups_table("New messages", ("message",), rows)] if new else []
    return evidence_of(
        reading,
        summary,
        {
            "new_messages": len(new),
            "known_messages": known,
            "before_lines": before.tally.lines,
            "before_messages": len(before.tally.messages),
        },
        *tables,
        *examples(new),
    )
