"""Faults of continuous integration, as GitHub shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal.doubles.github.state import (
    Entry,
    alert,
    check_run,
    healthy,
    status,
)
from pytest_chefrelease.rehearsal.faults.effects import Effect, changing, intercepting, setting
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.faults.release_again import release_again
from pytest_chefrelease.rehearsal.intercept import Intercept
from pytest_chefrelease.rehearsal.repository import git
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action
from pytest_chefrelease.runbook.verdict import Decision

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.stack import Stack

_ITEM = ("ci.required-checks[branch]",)
_ALERTS = "ci.security-alerts"


def _runs(change: Callable[[Sequence[Entry], str, str], Sequence[Entry]]) -> Effect:
    """GitHub has other check runs: ``change`` gets the green ones, the release, its parent."""

    def apply(stack: Stack) -> None:
        release = stack.release_build.commit
        parent = stack.repository.commit_of(f"{release}~1")
        runs = change(healthy(release).check_runs, release, parent)
        stack.change("github", check_runs=list(runs))

    return apply


def _with(name: str, **fields: str | None) -> Effect:
    """One check run differs from a green one in some fields."""
    return _runs(
        lambda runs, _release, _parent: [
            {**run, **fields} if run["name"] == name else run for run in runs
        ]
    )


def _without(name: str) -> Effect:
    return _runs(lambda runs, _release, _parent: [run for run in runs if run["name"] != name])


def _rerun(runs: Sequence[Entry], release: str, _parent: str) -> Sequence[Entry]:
    return [*runs, check_run("lint", release, "failure", age=timedelta(hours=1), suite=2)]


def _crowd(runs: Sequence[Entry], release: str, _parent: str) -> Sequence[Entry]:
    """So many runs that the red one, the oldest, is on the second page of a hundred."""
    failed = [check_run("test", release, "failure", age=timedelta(hours=5))]
    others = [run for run in runs if run["name"] != "test"]
    return [*failed, *others, *(check_run(f"matrix ({n})", release) for n in range(120))]


def _older_only(runs: Sequence[Entry], _release: str, parent: str) -> Sequence[Entry]:
    return [{**run, "sha": parent} for run in runs]


def _status(state: str) -> Effect:
    def apply(stack: Stack) -> None:
        entry = status("security/scan", stack.release_build.commit, state)
        stack.change("github", statuses=[entry])

    return apply


def _github(**fields: int | str) -> Effect:
    """GitHub knows the same, and answers this client otherwise."""
    return changing("github", **fields)


def _not_merged(stack: Stack) -> None:
    """What was pushed to main is gone from there again."""
    repository = stack.touch_repository()
    git(repository.origin, "update-ref", "refs/heads/main", "main~1")


def _wip_import(_: Stack, tree: Path) -> None:
    source = tree / "services/api/src/order-channels.ts"
    text = source.read_text(encoding="utf-8")
    source.write_text(f"import {{ draft }} from './drafts.wip';\n{text}", encoding="utf-8")


def _alerted(stack: Stack) -> None:
    commit = stack.release_build.commit
    found = alert("dependency", "Prototype pollution", commit, "critical")
    stack.change("github", alerts=[found])


def _red(name: str, title: str, apply: Effect, item: tuple[str, ...] = _ITEM) -> Fault:
    return Fault(name, title, Stage.PRERELEASE, apply, red=item)


def _unknown(name: str, title: str, apply: Effect, *more: str) -> Fault:
    open_ = (*_ITEM, *more)
    return Fault(name, title, Stage.PRERELEASE, apply, unverified=open_, verdict=Decision.HOLD)


FAULTS = (
    _red(
        "ci-check-failed",
        "The required build failed on the release commit",
        _with("build", conclusion="failure"),
    ),
    _red(
        "ci-check-cancelled",
        "The required build was cancelled",
        _with("build", conclusion="cancelled"),
    ),
    _red(
        "ci-check-timed-out",
        "The required tests ran into their time limit",
        _with("test", conclusion="timed_out"),
    ),
    _unknown(
        "ci-check-missing", "The required lint never ran on the release commit", _without("lint")
    ),
    # Evidence of another commit is stale, and stale is unverified (DESIGN.md, verdict rule 5).
    _unknown(
        "ci-older-commit",
        "Everything is green, but on the commit before the release",
        _runs(_older_only),
    ),
    _red("ci-rerun-failed", "The lint was green, and red when it ran again", _runs(_rerun)),
    _red("ci-failed-on-second-page", "The failed check is not among the first 100", _runs(_crowd)),
    _red("ci-status-failed", "The commit status of the security scan is red", _status("failure")),
    _unknown(
        "ci-check-pending",
        "The required tests are still running",
        _with("test", status="in_progress", conclusion=None, completed_at=None),
    ),
    _red(
        "commit-not-on-main",
        "The release commit is on no branch of the origin's main line",
        _not_merged,
        ("ci.commit-on-main",),
    ),
    _red(
        "wip-import",
        "The release imports a module that is marked as work in progress",
        release_again(_wip_import),
        ("ci.command[no-wip-imports]",),
    ),
    Fault(
        "security-alert",
        "A dependency has a known critical vulnerability",
        Stage.PRERELEASE,
        _alerted,
        warned=("ci.security-alerts",),
        verdict=Decision.GO,
        action=Action.PROCEED,
    ),
    _unknown("ci-status-pending", "The security scan has not reported yet", _status("pending")),
    _unknown(
        "ci-token-wrong",
        "GitHub does not accept the token",
        setting(GITHUB_TOKEN="ghp_no"),
        _ALERTS,
    ),
    _unknown("ci-no-access", "The token may not see the repository", _github(role="none"), _ALERTS),
    _unknown(
        "ci-rate-limited", "GitHub's hourly rate limit is used up", _github(remaining=0), _ALERTS
    ),
    _unknown(
        "ci-secondary-limit",
        "GitHub asks to wait for a minute (secondary rate limit)",
        _github(retry_after_s=60),
        _ALERTS,
    ),
    _unknown(
        "github-down",
        "GitHub answers 502",
        intercepting(Intercept("github", status=502, body="<html>Unicorn!</html>")),
        _ALERTS,
    ),
)
