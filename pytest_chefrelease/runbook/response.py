"""What the runbook says to do now, with its commands. They are printed, never run.

Source: DESIGN.md section 3, rule 4; the runbook's "Rollback Procedure", "Migration
Rollback (Bad Migration Protocol)" and "Incident Response Quick Steps".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pytest_chefrelease.runbook.item import Severity, Stage, Symptom
from pytest_chefrelease.runbook.outcome import Result
from pytest_chefrelease.runbook.verdict import Decision, Verdict


class Action(StrEnum):
    """The responses that the runbook knows."""

    PROCEED = "proceed"
    HOLD = "hold"
    FIX_AND_RESTART = "fix-and-restart"
    FIX_FORWARD = "fix-forward"
    ROLL_BACK = "roll-back"
    ROLL_BACK_OR_HOTFIX = "roll-back-or-hotfix"
    STOP_AND_ASSESS = "stop-and-assess"


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the commands of a response need to know; unknown parts stay placeholders.

    ``provider`` is ``fly``, ``render``, ``docker`` or None; ``apps`` are the provider's
    names of API and web; ``image`` is the image of the previous release; ``backup`` the
    newest backup file; ``migration`` the name of the migration that failed.
    """

    provider: str | None = None
    apps: tuple[str, ...] = ()
    previous_version: str | None = None
    image: str | None = None
    backup: str | None = None
    migration: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
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
    blocked = [r for r in results if r.blocks]
    if stage is Stage.PRERELEASE:
        return Response(Action.HOLD, f"Do not deploy. {verdict.sentence}")
    if not blocked:
        return Response(Action.HOLD, f"Not enough evidence to call it well. {verdict.sentence}")
    return _respond_to_failure(blocked, deployment)


def _respond_to_failure(blocked: Sequence[Result], deployment: Deployment) -> Response:
    symptoms = {r.symptom or r.item.symptom for r in blocked}
    for symptom in (Symptom.HEALTH_FAILING, Symptom.LOGIN_BROKEN):
        if symptom in symptoms:
            reason = f"{symptom.value.capitalize()}: roll back now."
            return Response(Action.ROLL_BACK, reason, "now", rollback_commands(deployment))
    if Symptom.MIGRATION_FAILED in symptoms:
        reason = "A migration failed: stop and assess; do not roll the code back."
        return Response(Action.STOP_AND_ASSESS, reason, "now", migration_commands(deployment))
    if Symptom.SERVER_ERRORS in symptoms:
        commands = rollback_commands(deployment)
        return Response(
            Action.ROLL_BACK, "5xx above 5 % of requests: roll back.", "5 minutes", commands
        )
    if symptoms == {Symptom.WRONG_ENVIRONMENT}:
        reason = "A wrong environment value: fix it and restart."
        return Response(Action.FIX_AND_RESTART, reason, None, restart_commands(deployment))
    if Symptom.CAUSE_UNKNOWN in symptoms:
        reason = "The cause is unknown after 15 minutes: roll back."
        return Response(Action.ROLL_BACK, reason, "now", rollback_commands(deployment))
    return _respond_by_severity(blocked, deployment)


def _respond_by_severity(blocked: Sequence[Result], deployment: Deployment) -> Response:
    gravest = min(r.severity for r in blocked)
    first = next(r for r in blocked if r.severity is gravest)
    if gravest is Severity.P1:
        reason = f"P1, {first.item.title}: roll back now."
        return Response(Action.ROLL_BACK, reason, "now", rollback_commands(deployment))
    if gravest is Severity.P2:
        reason = f"P2, {first.item.title}: roll back, or hotfix, within 1 hour."
        commands = rollback_commands(deployment)
        return Response(Action.ROLL_BACK_OR_HOTFIX, reason, "1 hour", commands)
    reason = f"P3, {first.item.title}: fix forward and monitor."
    return Response(Action.FIX_FORWARD, reason, "the next deploy")


def rollback_commands(deployment: Deployment) -> tuple[str, ...]:
    """The provider's way back to the previous release, API first, then web."""
    version = deployment.previous_version or "PREVIOUS_VERSION"
    apps = deployment.apps or ("APP",)
    if deployment.provider == "fly":
        image = deployment.image or "IMAGE_OF_" + version
        lines = []
        for app in apps:
            lines += [
                f"fly releases --image -a {app}    # the image of {version}",
                f"fly deploy --image {image} -a {app}",
                f"fly releases rollback -a {app}    # older flyctl only",
            ]
        return tuple(lines)
    if deployment.provider == "render":
        return tuple(
            f"Render dashboard: {app}: Events/Deploys: deploy of {version}: Rollback"
            for app in apps
        )
    if deployment.provider == "docker":
        pulls = [f"docker pull {deployment.image or f'{app}:{version}'}" for app in apps]
        return (*pulls, "docker-compose up -d")
    return (f"Deploy {version} again. (Set [provider] in release.toml for the exact commands.)",)


def migration_commands(deployment: Deployment) -> tuple[str, ...]:
    """The runbook's bad-migration protocol, steps 1 to 4."""
    name = deployment.migration or "MIGRATION_NAME"
    backup = deployment.backup or "BACKUP_FILE"
    restore = (
        f'psql "$DATABASE_URL" < {backup}'
        if backup.endswith((".sql", "BACKUP_FILE"))
        else f'pg_restore --clean --if-exists --dbname "$DATABASE_URL" {backup}'
    )
    return (
        "# Assess: is the app still functional? is data corrupted? can we fix forward?",
        "npx prisma migrate status",
        f'npx prisma migrate resolve --rolled-back "{name}"',
        f"{restore}    # only if data is badly corrupted",
    )


def restart_commands(deployment: Deployment) -> tuple[str, ...]:
    """How a corrected environment value reaches the running application."""
    apps = deployment.apps or ("APP",)
    if deployment.provider == "fly":
        return tuple(f"fly secrets set NAME=VALUE -a {app}    # restarts" for app in apps[:1])
    if deployment.provider == "render":
        return (f"Render dashboard: {apps[0]}: Environment: correct the value (restarts itself)",)
    if deployment.provider == "docker":
        return ("docker-compose up -d --force-recreate",)
    return ("Correct the value and restart. (Set [provider] in release.toml for the commands.)",)


_NEXT_STEP = {
    Stage.PRERELEASE: "Deploy: maintenance mode, backup, deploy, migrate, then postrelease.",
    Stage.POSTRELEASE: "Watch it for 15 minutes: pytest -m monitoring.",
    Stage.MONITORING: "The release is well. Document it.",
}
