"""Results of checks that were lost: a time limit from outside, a worker that crashed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_chefrelease.checks.declare import Check, catalogue
from pytest_chefrelease.checks.policy import is_blocking, severity_of
from pytest_chefrelease.runbook.outcome import Outcome, Result

if TYPE_CHECKING:
    from pytest_chefrelease.pytest_glue.activation import StageRun


def lost(check: Check, parameter: str | None, nodeid: str, run: StageRun, reason: str) -> Result:
    """The result of a test that ended without one."""
    item = check.item
    return Result(
        item=item,
        parameter=parameter,
        stage=run.stage,
        outcome=Outcome.UNVERIFIED,
        summary=f"the test ended before its check did: {reason.splitlines()[-1][:200]}",
        severity=severity_of(item, run.settings),
        blocking=is_blocking(item, run.settings),
        remedy="Run it again; if it happens again, raise the item's timeout.",
        nodeid=nodeid,
    )


def lost_with_its_worker(nodeid: str, run: StageRun, reason: str) -> Result | None:
    """The result of a verification whose worker process died; None for an ordinary test.

    The controller has collected nothing: all it knows of the test is its id.
    """
    name, _, bracket = nodeid.rpartition("::")[2].partition("[")
    found = [check for check in catalogue().values() if check.item.test_name == name]
    if not found:
        return None
    shown = bracket.removesuffix("]") if bracket else None
    parameters = found[0].parameters_for(run.settings, run.stage)
    # pytest escapes what is not ASCII in its ids.
    meant = [p for p in parameters if p is not None and _in_an_id(p) == shown]
    return lost(found[0], meant[0] if meant else shown, nodeid, run, reason)


def _in_an_id(parameter: str) -> str:
    return parameter.encode("unicode_escape").decode("ascii")
