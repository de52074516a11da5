"""ci.commit-on-main: what is released has been merged."""

from __future__ import annotations

import asyncio
from shlex import quote

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.errors import Failed, NotConfigured, Unverified
from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage


@check(
    Item(
        id="ci.commit-on-main",
        title="The release commit is on the remote's main branch",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.CI,
        quick_check=1,
        minimum=Minimum(facts=("tip",), of_release=True),
        remedy="Merge it into the main branch and release from there: what is only on a branch is "
        "undone by the next release.",
    )
)
async def ci_commit_on_main(look: Context) -> Evidence:
    """The commit is the tip of the remote's main branch, as it is now, or in its history."""
    commit, table = look.release.commit, look.settings.release
    if commit is None:
        raise Unverified(look.release.problem or "the release commit is not known")
    git, ref = look.probes.git, f"refs/heads/{table.main_branch}"
    refs = await asyncio.to_thread(git.remote_refs, table.remote, ref)
    branch = f"{table.remote}/{table.main_branch}"
    tip = refs.get(ref)
    if tip is None:
        raise NotConfigured(
            f"{table.remote} has no branch {table.main_branch}",
            where=table.remote,
            remedy="Correct release.main_branch in release.toml.",
        )
    is_tip = tip == commit
    if not is_tip and not await asyncio.to_thread(_is_merged, git, commit, tip, branch):
        raise Failed(
            f"{commit[:7]} is not on {branch}, which stands on {tip[:7]}",
            expected=f"the release commit in the history of {branch}",
            where=table.remote,
        )
    where = "the tip" if is_tip else "in the history"
    return Evidence(
        summary=f"{commit[:7]} is {where} of {branch}" + ("" if is_tip else f" ({tip[:7]})"),
        source=f"git ls-remote {table.remote}",
        observed_at=look.now(),
        facts={"tip": tip, "is_tip": is_tip},
        commit=commit,
    )


def _is_merged(git: GitProbe, commit: str, tip: str, branch: str) -> bool:
    if git.resolve(tip) is None:
        remote, _, name = branch.partition("/")
        raise NotConfigured(
            f"{branch} has moved on to {tip[:7]}, which this clone does not hold",
            where=branch,
            remedy=f"Run git fetch {quote(remote)} {quote(name)}.",
        )
    return git.is_ancestor(commit, tip)
