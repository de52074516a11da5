"""version.bump: the step to this version fits what changed since the last one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.version.changelog import read_changelog
from pytest_chefrelease.checks.version.history import Since, since_last
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.probes.breaking_changes import breaking_changes, new_scripts
from pytest_chefrelease.runbook.commits import Step
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.runbook.version_step import fits, step_between

_MOST_ROWS = 30
Reason = tuple[Step, str]


@check(
    Item(
        id="version.bump",
        title="The version's step fits what changed since the last release",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P3,
        section=Section.VERSION,
        blocking=False,
        minimum=Minimum(counts={"commits": 1}, facts=("needed", "step")),
        remedy="Choose the version that says what changed: major for what breaks, minor for what "
        "is new, patch for what is mended.",
    )
)
async def version_bump(look: Context) -> Evidence:
    """Conventional commits, breaking-change notes, and what new migrations drop."""
    since = await since_last(look)
    reasons = _from_commits(since)
    reasons += await asyncio.to_thread(_from_notes, look, since)
    reasons += await asyncio.to_thread(_from_migrations, look, since)
    reasons.sort(key=lambda reason: -reason[0])
    needed = reasons[0][0] if reasons else Step.NONE
    step = step_between(since.previous, since.this)
    seen = _evidence(look, since, reasons, step)
    if not fits(step, needed, since.previous):
        raise Failed(
            f"{since.previous_tag} to {look.release.version} is a {step.word} step, and "
            f"{reasons[0][1]}",
            expected=f"a {needed.word} step",
            evidence=seen,
        )
    if not reasons:
        raise Unverified(
            f"none of the {len(since.commits)} commits since {since.previous_tag} says what it "
            "changes",
            expected="subjects such as feat: or fix: (conventional commits)",
            remedy="Compare the changes with the version by hand.",
            evidence=seen,
        )
    return seen


def _from_commits(since: Since) -> list[Reason]:
    return [
        (commit.step, f'{commit.name[:7]} says "{commit.subject[:80]}"')
        for commit in since.commits
        if commit.step is not Step.NONE
    ]


def _from_notes(look: Context, since: Since) -> list[Reason]:
    written = read_changelog(look, since.commit, str(since.this))
    if written.notes is None or not written.notes.announces_breaking_changes:
        return []
    return [(Step.MAJOR, f"{written.path} announces breaking changes")]


def _from_migrations(look: Context, since: Since) -> list[Reason]:
    """What the release's new migrations take away breaks who used it."""
    directory = look.settings.migrations.directory
    scripts = new_scripts(look.probes.git, since.previous_commit, since.commit, directory)
    return [
        (Step.MAJOR, f"migration {change.migration} {change.what}, line {change.line}")
        for change in breaking_changes(scripts)
    ]


def _evidence(look: Context, since: Since, reasons: Sequence[Reason], step: Step) -> Evidence:
    needed = reasons[0][0] if reasons else Step.NONE
    why = f"{reasons[0][1]}" if reasons else "nothing says what changed"
    rows = tuple((reason_step.word, reason) for reason_step, reason in reasons[:_MOST_ROWS])
    return Evidence(
        summary=f"{since.previous_tag} to {look.release.version} is a {step.word} step; needed is "
        f"{needed.word}: {why}",
        source=f"{len(since.commits)} commits since {since.previous_tag}",
        observed_at=look.now(),
        facts={"commits": len(since.commits), "needed": needed.word, "step": step.word},
        commit=since.commit,
        attachments=(Table("What changed", ("asks for", "because"), rows),) if rows else (),
    )
