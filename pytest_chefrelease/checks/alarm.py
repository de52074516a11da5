"""What is called out the moment a P1 is confirmed, before any report is written."""

from __future__ import annotations

from datetime import timedelta

from pytest_chefrelease.checks.conclude import deployment
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.runbook.outcome import Result
from pytest_chefrelease.runbook.response import Action, respond
from pytest_chefrelease.runbook.verdict import Run, decide


def alarm(result: Result, stood_s: float, look: Context) -> str:
    """The response in capitals, since when, what was seen, and the commands.

    ``stood_s`` is how long ago the failure was first seen.
    """
    verdict = decide(Run(look.stage), [result])
    known = deployment(look.settings, look.release, [result])
    response = respond(look.stage, verdict, [result], known)
    is_now = response.within == "now" and response.action is Action.ROLL_BACK
    word = "ROLL BACK NOW" if is_now else response.action.value.replace("-", " ").upper()
    since = look.now() - timedelta(seconds=stood_s)
    lines = [
        f"{word}: {response.reason}",
        f"  since {since:%H:%M:%S} UTC: {result.label}: {result.summary}",
        *(f"    {command}" for command in response.commands),
    ]
    return "\n".join(lines)
