"""What the runbook says to do now, with its commands. They are printed, never run.

Source: DESIGN.md section 3, rule 4; the runbook's "Rollback Procedure", "Migration
Rollback (Bad Migration Protocol)" and "Incident Response Quick Steps".
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from pytest_chefrelease.runbook.commands import (
    Deployment,
    migration_commands,
    restart_commands,
    rollback_commands,
)
from pytest_chefrelease.runbook.item import Severity, Stage, Symptom
from pytest_chefrelease.runbook.outcome import Result
from pytest_chefrelease.runbook.verdict import Decision, Verdict, gravest_first

__all__ = ["Action", "Deployment", "Response", "respond"]


class Action(StrEnum):
    """The responses that the runbook knows."""

    PROCEED = "proceed"
    HOLD = "hold"
    FIX_AND_RESTART = "fix-and-restart"
    FIX_FORWARD = "fix-forward"
    ROLL_BACK = "roll-back"
    ROLL_BACK_OR_HOTFIX = "roll-back-or-hotfix"
    STOP_AND_ASSESS = "stop-and-assess"


class Response(Struct, frozen=True):
    """An action, the reason for it, the time to act in (in words), and commands to copy."""

    action: Action
    reason: str
    within: str | None = None
    commands: tuple[str, ...] = ()


def respond(
    stage: Stage, verdict: Verdict, results: Sequence[Result], deployment: Deployment
) -> Response:
    """The first rule that holds, gravest first."""
    if verdict.is_go:
        return Response(Action.PROCEED, _NEXT_STEP[stage])
    if stage is Stage.PRERELEASE:
        return Response(Action.HOLD, f"Do not deploy. {verdict.to_go}")
    blocked = sorted((r for r in results if r.blocks), key=gravest_first)
    if blocked:
        return _respond_to_failure(blocked, deployment)
    if verdict.decision is Decision.NO_GO:
        return Response(Action.HOLD, f"Do not call it well. {verdict.to_go}")
    return Response(Action.HOLD, f"Not enough evidence to call it well. {verdict.to_go}")


def _respond_to_failure(blocked: Sequence[Result], deployment: Deployment) -> Response:
    symptoms = {_symptom(r) for r in blocked}
    for symptom in (Symptom.HEALTH_FAILING, Symptom.LOGIN_BROKEN):
        if symptom in symptoms:
            reason = f"{symptom.value.capitalize()}: roll back now."
            return Response(Action.ROLL_BACK, reason, "now", rollback_commands(deployment))
    if Symptom.MIGRATION_FAILED in symptoms:
        reason = "A migration failed: stop and assess; do not roll the code back."
        return Response(Action.STOP_AND_ASSESS, reason, "now", migration_commands(deployment))
    if Symptom.SERVER_ERRORS in symptoms:
        reason, commands = "5xx above 5 % of requests: roll back.", rollback_commands(deployment)
        return Response(Action.ROLL_BACK, reason, "5 minutes", commands)
    if _is_for_a_restart(blocked):
        commands = restart_commands(deployment, _wrong_variables(blocked))
        reason = "A wrong environment value: fix it and restart."
        return Response(Action.FIX_AND_RESTART, reason, None, commands)
    if Symptom.CAUSE_UNKNOWN in symptoms:
        reason = "The cause is unknown after 15 minutes: roll back."
        return Response(Action.ROLL_BACK, reason, "now", rollback_commands(deployment))
    if symptoms == {Symptom.WATCH_INCOMPLETE}:
        reason = "The watch was not completed: run it again, for its full time."
        return Response(Action.HOLD, reason, None, ("pytest -m monitoring",))
    return _respond_by_severity(blocked, deployment)


def _respond_by_severity(blocked: Sequence[Result], deployment: Deployment) -> Response:
    """``blocked`` has the gravest first."""
    first = blocked[0]
    if first.severity is Severity.P1:
        reason = f"P1, {first.label} failed: roll back now."
        return Response(Action.ROLL_BACK, reason, "now", rollback_commands(deployment))
    if first.severity is Severity.P2:
        reason = f"P2, {first.label} failed: roll back, or hotfix, within 1 hour."
        commands = rollback_commands(deployment)
        return Response(Action.ROLL_BACK_OR_HOTFIX, reason, "1 hour", commands)
    reason = f"P3, {first.label} failed: fix forward and monitor."
    return Response(Action.FIX_FORWARD, reason, "the next deploy")


def _symptom(result: Result) -> Symptom | None:
    return result.symptom or result.item.symptom


def _is_for_a_restart(blocked: Sequence[Result]) -> bool:
    """Whether a wrong value is there, and nothing beside it that calls for a rollback now."""
    wrong = [r for r in blocked if _symptom(r) is Symptom.WRONG_ENVIRONMENT]
    others = [r for r in blocked if _symptom(r) is not Symptom.WRONG_ENVIRONMENT]
    return bool(wrong) and not any(r.severity is Severity.P1 for r in others)


def _wrong_variables(blocked: Sequence[Result]) -> tuple[str, ...]:
    """Items of the environment matrix have the variable's name as their parameter."""
    named = (r.parameter for r in blocked if _symptom(r) is Symptom.WRONG_ENVIRONMENT)
    return tuple(dict.fromkeys(name for name in named if name))


_NEXT_STEP = {
    Stage.PRERELEASE: "Deploy: maintenance mode, backup, deploy, migrate, then postrelease.",
    Stage.POSTRELEASE: "Watch it for 15 minutes: pytest -m monitoring.",
    Stage.MONITORING: "The release is well. Document it.",
}
