"""version.clean-tree: what is built from the work tree is what was committed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.version.history import release_commit
from pytest_chefrelease.errors import Failed
from pytest_chefrelease.probes.work_tree_changes import Change, read_work_tree
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_SHOWN = 5
_MOST_ROWS = 50


@check(
    Item(
        id="version.clean-tree",
        title="Nothing in the release's work tree is uncommitted or untracked",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P3,
        section=Section.VERSION,
        minimum=Minimum(counts={"tracked_files": 1}, of_release=True),
        remedy="Commit it, ignore it (.gitignore), or remove it; then tag anew if it belongs to "
        "the release.",
        timeout_s=90,
    )
)
async def version_clean_tree(look: Context) -> Evidence:
    """``git status``, but for ignored files and our own untracked reports."""
    commit = release_commit(look)
    tree = await asyncio.to_thread(read_work_tree, look.probes.git)
    changes = [each for each in tree.changes if not _is_report(tree.top, each, look)]
    rows = tuple((each.path, each.kind) for each in changes[:_MOST_ROWS])
    seen = Evidence(
        summary=f"{tree.tracked} files, all as in {commit[:7]}",
        source=f"git status in {tree.top.name}",
        observed_at=look.now(),
        facts={"tracked_files": tree.tracked, "changed_or_untracked": len(changes)},
        commit=commit,
        attachments=(Table("Not committed", ("path", "state"), rows),) if rows else (),
    )
    if changes:
        listed = ", ".join(f"{each.path} ({each.kind})" for each in changes[:_SHOWN])
        more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
        raise Failed(
            f"{len(changes)} files differ from {commit[:7]}: {listed}{more}",
            expected="nothing uncommitted or untracked",
            where=str(tree.top.name),
            evidence=seen,
        )
    return seen


def _is_report(top: Path, change: Change, look: Context) -> bool:
    """Whether it is what this suite writes: a gate does not fail for its own report.

    Where reports are written into the work tree itself, or above it, nothing is taken for one:
    it would be everything that is untracked.
    """
    if change.kind != "untracked":
        return False
    here = top.resolve()
    reports = (look.reports or look.repository / look.settings.report.directory).resolve()
    return not here.is_relative_to(reports) and (here / change.path).is_relative_to(reports)
