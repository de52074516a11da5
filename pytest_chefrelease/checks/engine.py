"""Runs one check and turns whatever happens into a result. No check can escape it.

Source: DESIGN.md section 3, rules 1 to 3, and section 5, "Scheduling".
"""

from __future__ import annotations

import asyncio
import time
import traceback
from pathlib import Path
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from pytest_chefrelease.checks.alarm import alarm
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import Check
from pytest_chefrelease.checks.policy import (
    is_blocking,
    not_applicable_reason,
    override_of,
    severity_of,
    shadowed,
    timeout_of,
    waived,
)
from pytest_chefrelease.checks.watching import Look, observe
from pytest_chefrelease.errors import (
    Failed,
    Finding,
    MissingExtra,
    NotApplicable,
    NotConfigured,
    ProbeError,
)
from pytest_chefrelease.probes.http_failures import lack_behind
from pytest_chefrelease.runbook.evidence import Evidence, shortfall
from pytest_chefrelease.runbook.outcome import Outcome, Result

__all__ = ["Task", "override_of", "run", "timeout_of"]

_RUN_AGAIN = "Make its source readable, then run the stage again."


class Task(Struct, frozen=True):
    """One check to run: with which parameter, within how many seconds, for which test."""

    check: Check
    parameter: str | None
    timeout_s: float
    nodeid: str = ""

    @property
    def label(self) -> str:
        """``secrets.strength[JWT_SECRET]``."""
        return self.check.item.label(self.parameter)


async def run(task: Task, look: Context) -> Result:
    """Run one check: once, or over the whole watch. Never raises but for cancellation."""
    started = time.perf_counter()
    result = await _run(task, look)
    result = replace(result, duration_s=time.perf_counter() - started, nodeid=task.nodeid)
    result = shadowed(result, look.settings)
    return waived(result, look.settings.waivers, look.now().date())


async def _run(task: Task, look: Context) -> Result:
    watch, item = look.watch, task.check.item
    if watch is None:
        return (await _verify(task, look, task.timeout_s)).result
    with watch.taking_part():
        if item.paces_itself:
            return (await _verify(task, look, task.timeout_s + watch.remaining_s)).result
        return await observe(
            lambda: _verify(task, look, task.timeout_s),
            watch,
            may_end=not override_of(item, look.settings).shadow,
            say=look.say,
            alarm=lambda result, stood_s: alarm(result, stood_s, look),
        )


async def _verify(task: Task, look: Context, limit_s: float) -> Look:
    item = task.check.item
    reason = not_applicable_reason(item, task.label, look.settings)
    if reason is not None:
        return Look(_result(task, look, Outcome.NOT_APPLICABLE, reason), is_final=True)
    if task.check.parameters is not None and task.parameter is None:
        return Look(_nothing_to_look_at(task, look), is_final=True)
    limit = asyncio.timeout(limit_s)
    try:
        async with limit:
            evidence = await _call(task, look)
        return Look(_from_evidence(task, look, evidence))
    except Finding as finding:
        return Look(_from_finding(task, look, finding), isinstance(finding, NotApplicable))
    except ProbeError as error:
        # Neither settings nor what is installed change while the run goes on.
        is_final = isinstance(error, NotConfigured | MissingExtra)
        return Look(_from_probe_error(task, look, error), is_final)
    # The last line of defence: a defect of ours is no evidence, nor is a library that exits.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        if isinstance(error, TimeoutError) and limit.expired():
            return Look(_from_timeout(task, look, limit_s))
        if (lack := lack_behind(error)) is not None:
            return Look(_from_probe_error(task, look, lack))
        return Look(_from_defect(task, look, error))


async def _call(task: Task, look: Context) -> Evidence:
    if task.check.parameters is None:
        seen = await task.check.verify(look)
    else:
        seen = await task.check.verify(look, task.parameter)
    if not isinstance(seen, Evidence):
        raise TypeError(f"{task.label} returned no Evidence")
    return seen


class _Parts(Struct, frozen=True):
    """The parts of a message, where there is more to tell than the summary."""

    seen: str = ""
    expected: str = ""
    where: str = ""
    remedy: str = ""

    @classmethod
    def of(cls, error: Finding | ProbeError) -> Self:
        return cls(error.seen, error.expected, error.where, error.remedy)


def _nothing_to_look_at(task: Task, look: Context) -> Result:
    item = task.check.item
    outcome = Outcome.NOT_APPLICABLE if item.if_configured else Outcome.UNVERIFIED
    remedy = (
        f'Name it in release.toml, or say under [not_applicable] "{item.id}" why there is none.'
    )
    summary = "nothing is configured for this item to look at"
    return _result(task, look, outcome, summary, parts=_Parts(remedy=remedy))


def _from_timeout(task: Task, look: Context, limit_s: float) -> Result:
    remedy = f'Find what is slow, or raise items."{task.check.item.id}".timeout in release.toml.'
    summary = f"no answer within {limit_s:g} s"
    return _result(task, look, Outcome.UNVERIFIED, summary, parts=_Parts(remedy=remedy))


def _from_evidence(task: Task, look: Context, evidence: Evidence) -> Result:
    missing = shortfall(task.check.item.minimum, evidence, look.release, look.now())
    if missing is None:
        return _result(task, look, Outcome.PASSED, evidence.summary, evidence=evidence)
    remedy = "Let it see what it needs, then run the stage again."
    parts = _Parts(missing, where=evidence.source, remedy=remedy)
    summary = f"Not enough evidence: {missing}"
    return _result(task, look, Outcome.UNVERIFIED, summary, evidence=evidence, parts=parts)


def _from_finding(task: Task, look: Context, finding: Finding) -> Result:
    outcome = Outcome.UNVERIFIED
    if isinstance(finding, Failed):
        outcome = Outcome.FAILED
    elif isinstance(finding, NotApplicable):
        outcome = Outcome.NOT_APPLICABLE
    parts, evidence = _Parts.of(finding), finding.evidence
    result = _result(task, look, outcome, finding.summary, evidence=evidence, parts=parts)
    return replace(result, severity=finding.severity or result.severity, symptom=finding.symptom)


def _from_probe_error(task: Task, look: Context, error: ProbeError) -> Result:
    return _result(task, look, Outcome.UNVERIFIED, error.summary, parts=_Parts.of(error))


def _from_defect(task: Task, look: Context, error: BaseException) -> Result:
    """A defect's message may hold anything, a secret too: its kind and place have to do."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{frame.name}, {Path(frame.filename).name} line {frame.lineno}"
    summary = f"a defect in the check itself: {type(error).__name__} in {place}"
    remedy = "Report it to the authors of the check; the item was not verified."
    return _result(task, look, Outcome.UNVERIFIED, summary, parts=_Parts(remedy=remedy))


_NO_PARTS = _Parts()


def _result(
    task: Task,
    look: Context,
    outcome: Outcome,
    summary: str,
    *,
    evidence: Evidence | None = None,
    parts: _Parts = _NO_PARTS,
) -> Result:
    item = task.check.item
    # An item's own remedy is for its failure; what could not be seen calls for less.
    fallback = {Outcome.FAILED: item.remedy, Outcome.UNVERIFIED: _RUN_AGAIN}.get(outcome, "")
    return Result(
        item=item,
        parameter=task.parameter,
        stage=look.stage,
        outcome=outcome,
        summary=summary,
        severity=severity_of(item, look.settings),
        blocking=is_blocking(item, look.settings),
        remedy=(parts.remedy or fallback) if fallback else "",
        expected=parts.expected,
        seen=parts.seen,
        where=parts.where,
        evidence=evidence,
    )
