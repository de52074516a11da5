"""ci.required-checks: what main requires has succeeded on exactly the release commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from pytest_chefrelease.checks.ci.github_access import github_probe
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.once import Json
from pytest_chefrelease.errors import Failed, ProbeError, Unverified
from pytest_chefrelease.probes.github import BranchDemands, GitHubProbe
from pytest_chefrelease.runbook.ci_results import CheckResult, Judged, Required, Standing, judge
from pytest_chefrelease.runbook.evidence import Evidence, Fact, Scalar, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.settings.model import Settings

_OLDER_COMMITS = 5
_BRANCH = "branch"


def _names(settings: Settings, _stage: Stage) -> Sequence[str]:
    """The required names; one parameter for all of them where only GitHub knows them."""
    return [_BRANCH] if settings.ci.required == _BRANCH else list(settings.ci.required)


@check(
    Item(
        id="ci.required-checks",
        title="Required CI checks succeeded on the release commit",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.CI,
        quick_check=1,
        minimum=Minimum(counts={"required": 1, "good": 1}, of_release=True),
        remedy="Do not release this commit: mend the check, or release a commit that is green.",
    ),
    each=_names,
)
async def required_checks(look: Context, name: str) -> Evidence:
    """Check runs and statuses of the release commit, against what is required of it."""
    commit = look.release.commit
    if commit is None:
        raise Unverified(look.release.problem or "the release commit is not known")
    github = await github_probe(look)
    # Before the branch is asked: this tells a repository that the token does not see.
    results = await _results(look, github, commit)
    demands = await _demands(look, github, name)
    judged = [_judge(look, required, results) for required in demands.required]
    evidence = _evidence(look, commit, judged, demands)
    _demand_success(judged, evidence)
    await _demand_conclusion(look, github, judged, evidence)
    _demand_fresh(look, evidence)
    return evidence


async def _results(look: Context, github: GitHubProbe, commit: str) -> list[CheckResult]:
    """All results of a commit, asked for once however many names are required."""
    import msgspec

    async def ask() -> Json:
        found: Json = msgspec.to_builtins(await github.results(commit))
        return found

    key = f"github results {github.api_url} {github.repository} {commit}"
    return msgspec.convert(await look.once.get(key, ask), list[CheckResult])


async def _demands(look: Context, github: GitHubProbe, name: str) -> BranchDemands:
    if look.settings.ci.required != _BRANCH:
        return BranchDemands((Required(name),), ())
    branch = look.settings.release.main_branch
    demands = await github.branch_demands(branch)
    if demands.required:
        return demands
    seen = f"branch {branch} requires no checks"
    if demands.unreadable:
        seen = f"what branch {branch} requires cannot be read: {', '.join(demands.unreadable)}"
    raise Unverified(
        seen,
        where=f"{github.repository} at GitHub",
        remedy='Name them: required = ["name", ...] in [ci] of release.toml.',
    )


def _judge(look: Context, required: Required, results: Sequence[CheckResult]) -> Judged:
    ci = look.settings.ci
    return judge(
        required, results, accept_skipped=ci.accept_skipped, accept_neutral=ci.accept_neutral
    )


def _demand_success(judged: Sequence[Judged], evidence: Evidence) -> None:
    bad = [one for one in judged if one.standing is Standing.UNSUCCESSFUL]
    if bad:
        raise Failed(
            _listed(bad),
            expected="success",
            where=_where(bad[0], evidence),
            remedy=_remedy(bad[0]),
            evidence=evidence,
        )


async def _demand_conclusion(
    look: Context, github: GitHubProbe, judged: Sequence[Judged], evidence: Evidence
) -> None:
    missing = [one for one in judged if one.standing is Standing.MISSING]
    pending = [one for one in judged if one.standing is Standing.PENDING]
    if not missing and not pending:
        return
    stale = await _stale(look, github, missing) if missing else ""
    remedy = "Wait until they have concluded, then run this again."
    if missing:
        remedy = (
            "Let CI run on the release commit: push it, or start the workflow for it; "
            "a renamed check has to be renamed in the requirement too."
        )
    raise Unverified(
        _listed(missing + pending) + stale,
        expected="a conclusion on the release commit",
        where=_where((missing + pending)[0], evidence),
        remedy=remedy,
        evidence=evidence,
    )


async def _stale(look: Context, github: GitHubProbe, missing: Sequence[Judged]) -> str:
    """Where a missing check succeeded before: on a commit that is not the release."""
    commit = look.release.commit or ""
    older = await asyncio.to_thread(look.probes.git.ancestors, commit, _OLDER_COMMITS)
    for before in older:
        try:
            results = await _results(look, github, before)
        except ProbeError:  # the finding stands without this hint
            return ""
        good = [
            one.required.name
            for one in missing
            if _judge(look, one.required, results).standing is Standing.SUCCEEDED
        ]
        if good:
            return f" ({', '.join(good)} succeeded on {before[:7]}, an older commit: stale)"
    return ""


def _demand_fresh(look: Context, evidence: Evidence) -> None:
    age, allowed = look.now() - evidence.observed_at, look.settings.ci.max_age
    if age > allowed:
        raise Unverified(
            f"the oldest of these results is {_age(age)} old",
            expected=f"at most {_age(allowed)} (ci.max_age)",
            where=evidence.source,
            remedy="Run CI again on the release commit.",
            evidence=evidence,
        )


def _evidence(
    look: Context, commit: str, judged: Sequence[Judged], demands: BranchDemands
) -> Evidence:
    now = look.now()
    good = [one for one in judged if one.standing.is_good]
    moments = [one.result.when for one in good if one.result and one.result.when]
    oldest = min(moments, default=now)
    passed_over: list[Scalar] = [o.text for o in judged if o.standing is Standing.PASSED_OVER]
    facts: dict[str, Fact] = {
        "required": len(judged),
        "good": len(good),
        "skipped_or_neutral": passed_over,
        "oldest_age_s": round((now - oldest).total_seconds()),
        "unreadable": ", ".join(demands.unreadable),
    }
    return Evidence(
        summary=_summary(judged, oldest, now, demands),
        source=f"GitHub, check runs and statuses of {commit[:7]}",
        observed_at=oldest,
        facts=facts,
        commit=commit,
        attachments=(_table(judged, now),),
    )


def _summary(
    judged: Sequence[Judged], oldest: datetime, now: datetime, demands: BranchDemands
) -> str:
    passed_over = [one.text for one in judged if one.standing is Standing.PASSED_OVER]
    names = ", ".join(one.required.name for one in judged)
    text = f"{len(judged)} required: {names}; the oldest result is {_age(now - oldest)} old"
    if passed_over:
        text += f"; {'; '.join(passed_over)}"
    if demands.unreadable:
        text += f"; not readable with this token: {', '.join(demands.unreadable)}"
    return text


def _table(judged: Sequence[Judged], now: datetime) -> Table:
    rows = [_row(one, now) for one in judged]
    columns = ("Check", "Conclusion", "By", "When", "Link")
    return Table("Required checks", columns, tuple(rows))


def _row(one: Judged, now: datetime) -> tuple[str, ...]:
    result = one.result
    if result is None:
        return (one.required.name, "missing", "", "", "")
    said = result.conclusion or result.state.replace("_", " ")
    when = f"{_age(now - result.when)} ago" if result.when else ""
    return (one.required.name, said, result.app, when, result.link)


def _listed(judged: Sequence[Judged]) -> str:
    return "; ".join(one.text for one in judged)


def _where(one: Judged, evidence: Evidence) -> str:
    return one.result.link if one.result and one.result.link else evidence.source


def _remedy(one: Judged) -> str:
    conclusion = one.result.conclusion if one.result else None
    if conclusion in ("cancelled", "timed_out", "stale", "startup_failure"):
        return "Run it again on the release commit; it has not said anything about the code."
    if conclusion == "action_required":
        return "Open its page and do what it asks for."
    if conclusion in ("skipped", "neutral"):
        return f"Let it run on the release commit, or set ci.accept_{conclusion} = true."
    return ""


def _age(age: timedelta) -> str:
    minutes = max(0, round(age.total_seconds() / 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes / 60:.0f} h" if minutes < 2880 else f"{minutes / 1440:.0f} days"
