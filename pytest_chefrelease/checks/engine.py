"""Runs one check and turns whatever happens into a result. No check can escape it.

Source: DESIGN.md section 3, rules 1 to 3, and section 5, "Scheduling".
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import Check
from pytest_chefrelease.checks.watch import observe
from pytest_chefrelease.errors import Failed, Finding, NotApplicable, ProbeError, Unverified
from pytest_chefrelease.runbook.evidence import Evidence, shortfall
from pytest_chefrelease.runbook.item import Item, Severity
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.settings.model import ItemOverride, Settings, Waiver


@dataclass(frozen=True, slots=True)
class Task:
    """One check to run: with which parameter, within how many seconds, for which test."""

    check: Check
    parameter: str | None
    timeout_s: float
    nodeid: str = ""

    @property
    def label(self) -> str:
        """``secrets.strength[JWT_SECRET]``."""
        item = self.check.item.id
        return f"{item}[{self.parameter}]" if self.parameter else item


def timeout_of(item: Item, settings: Settings) -> float:
    """The time limit of an item in seconds: its own, or the one that settings give it."""
    override = override_of(item, settings).timeout
    return override.total_seconds() if override is not None else item.timeout_s


def override_of(item: Item, settings: Settings) -> ItemOverride:
    """What settings change of an item's declaration."""
    return settings.items.get(item.id, ItemOverride())


async def run(task: Task, look: Context) -> Result:
    """Run one check: once, or over the whole watch. Never raises but for cancellation."""
    started = time.perf_counter()
    if look.watch is not None and not task.check.item.paces_itself:
        result = await observe(lambda: _verify(task, look), look.watch)
    else:
        result = await _verify(task, look)
    result = replace(result, duration_s=time.perf_counter() - started, nodeid=task.nodeid)
    result = _apply_shadow(result, look.settings)
    return _apply_waiver(result, look)


async def _verify(task: Task, look: Context) -> Result:
    item = task.check.item
    reason = _not_applicable_reason(task, look.settings)
    if reason is not None:
        return _result(task, look, Outcome.NOT_APPLICABLE, reason)
    if task.check.parameters is not None and task.parameter is None:
        outcome = Outcome.NOT_APPLICABLE if item.if_configured else Outcome.UNVERIFIED
        return _result(task, look, outcome, "nothing is configured for this item to look at")
    try:
        async with asyncio.timeout(task.timeout_s):
            evidence = await _call(task, look)
    except TimeoutError:
        return _result(
            task,
            look,
            Outcome.UNVERIFIED,
            f"no answer within {task.timeout_s:g} s",
            remedy=f'Raise items."{item.id}".timeout, or find what is slow.',
        )
    except Finding as finding:
        return _from_finding(task, look, finding)
    except ProbeError as error:
        return _from_probe_error(task, look, error)
    except Exception as error:  # the last line of defence: a defect of ours is no evidence
        return _from_defect(task, look, error)
    return _from_evidence(task, look, evidence)


async def _call(task: Task, look: Context) -> Evidence:
    if task.check.parameters is None:
        return await task.check.verify(look)
    return await task.check.verify(look, task.parameter)


def _from_evidence(task: Task, look: Context, evidence: Evidence) -> Result:
    missing = shortfall(task.check.item.minimum, evidence, look.release, look.now())
    if missing is None:
        return _result(task, look, Outcome.PASSED, evidence.summary, evidence=evidence, remedy="")
    summary = f"Not enough evidence: {missing}"
    return _result(
        task, look, Outcome.UNVERIFIED, summary, evidence=evidence, where=evidence.source
    )


def _from_finding(task: Task, look: Context, finding: Finding) -> Result:
    outcome = {
        Failed: Outcome.FAILED,
        Unverified: Outcome.UNVERIFIED,
        NotApplicable: Outcome.NOT_APPLICABLE,
    }[type(finding)]
    result = _result(
        task,
        look,
        outcome,
        finding.summary,
        evidence=finding.evidence,
        expected=finding.expected,
        seen=finding.seen,
        where=finding.where,
        remedy=finding.remedy,
    )
    severity = finding.severity or result.severity
    return replace(result, severity=severity, symptom=finding.symptom)


def _from_probe_error(task: Task, look: Context, error: ProbeError) -> Result:
    return _result(
        task,
        look,
        Outcome.UNVERIFIED,
        error.summary,
        expected=error.expected,
        seen=error.seen,
        where=error.where,
        remedy=error.remedy,
    )


def _from_defect(task: Task, look: Context, error: Exception) -> Result:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_name}, line {frame.tb_lineno}" if frame else "unknown"
    return _result(
        task,
        look,
        Outcome.UNVERIFIED,
        f"a defect in the check itself: {type(error).__name__} in {place}",
        remedy="Report it to the authors of the check; the item was not verified.",
    )


def _result(
    task: Task,
    look: Context,
    outcome: Outcome,
    summary: str,
    *,
    evidence: Evidence | None = None,
    expected: str = "",
    seen: str = "",
    where: str = "",
    remedy: str = "",
) -> Result:
    item = task.check.item
    override = override_of(item, look.settings)
    not_well = outcome in (Outcome.FAILED, Outcome.UNVERIFIED)
    return Result(
        item=item,
        parameter=task.parameter,
        stage=look.stage,
        outcome=outcome,
        summary=summary,
        severity=Severity(override.severity) if override.severity else item.severity,
        blocking=item.blocking if override.blocking is None else override.blocking,
        remedy=(remedy or item.remedy) if not_well else "",
        expected=expected,
        seen=seen,
        where=where,
        evidence=evidence,
    )


def _not_applicable_reason(task: Task, settings: Settings) -> str | None:
    for pattern, reason in settings.not_applicable.items():
        # A label's own brackets are no character class of a pattern.
        if pattern in (task.check.item.id, task.label) or fnmatchcase(task.label, pattern):
            return f"Not applicable: {reason}"
    return None


def _apply_shadow(result: Result, settings: Settings) -> Result:
    if not override_of(result.item, settings).shadow:
        return result
    if result.outcome not in (Outcome.FAILED, Outcome.UNVERIFIED, Outcome.PASSED):
        return result
    summary = (
        f"would have {'passed' if result.outcome is Outcome.PASSED else result.outcome.value}: "
    )
    return replace(result, outcome=Outcome.SHADOW, summary=summary + result.summary)


def _apply_waiver(result: Result, look: Context) -> Result:
    if result.outcome is not Outcome.FAILED:
        return result
    for waiver in look.settings.waivers:
        if waiver.item in (result.item.id, result.label):
            return _waive(result, waiver, look)
    return result


def _waive(result: Result, waiver: Waiver, look: Context) -> Result:
    until = f"by {waiver.approved_by} until {waiver.expires}: {waiver.reason}"
    if result.severity is Severity.P1:
        return replace(result, summary=f"{result.summary} (P1 cannot be waived; waived {until})")
    if look.now().date() > waiver.expires:
        return replace(result, summary=f"{result.summary} (the waiver expired; {until})")
    return replace(
        result, outcome=Outcome.WAIVED, summary=f"Waived {until}. It failed: {result.summary}"
    )
