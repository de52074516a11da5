"""The runbook's incident response, level by level, filled in with what is known.

Nothing is run: the steps are for a person. Source: the runbook's "Incident Response Quick Steps".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from shlex import quote

from msgspec import Struct

from pytest_chefrelease.runbook.commands import (
    Deployment,
    migration_commands,
    rollback_commands,
)
from pytest_chefrelease.runbook.item import Severity

_HOTFIX = timedelta(hours=1)


class Situation(Struct, frozen=True):
    """What is known when an incident begins.

    ``since`` is when the first failure was seen, else when somebody asked; ``found`` are the
    failures of the last runs in a line each; ``health`` is the health endpoint's address and
    ``api`` the API's; ``flags`` are the emergency switches; ``no_way_back`` says why the
    previous release's code would not work any more; ``has_runs`` is whether a run of the gate
    is kept for the release; ``note`` is the incident note's path.
    """

    release: str
    deployment: Deployment
    since: datetime
    found: tuple[str, ...] = ()
    api: str | None = None
    health: str | None = None
    flags: tuple[str, ...] = ()
    no_way_back: str | None = None
    is_migration: bool = False
    has_runs: bool = True
    note: str = ""

    @property
    def nothing_found(self) -> str:
        """What to say where no failure is known: to have found nothing one must have looked."""
        if self.has_runs:
            return "the last runs of the gate found nothing"
        return "no run of the gate is kept for this release"


class Step(Struct, frozen=True):
    """One step of a response: its word, what to do, and commands to copy."""

    word: str
    text: str
    commands: tuple[str, ...] = ()


def steps(level: Severity, situation: Situation) -> tuple[Step, ...]:
    """What the runbook has one do, in order."""
    return _RESPONSES[level](situation)


def title(level: Severity) -> str:
    """The level with its symptom and response, as in the severity matrix."""
    return f"{level.value}: {_MATRIX[level]}"


def flag_commands(situation: Situation) -> tuple[str, ...]:
    """How the emergency switches are turned off without a deploy."""
    app = (situation.deployment.apps or ("APP",))[0]
    if situation.deployment.provider == "fly":
        return tuple(f"fly secrets set {quote(f)}=0 -a {quote(app)}" for f in situation.flags)
    named = ", ".join(f"{flag}=0" for flag in situation.flags)
    if situation.deployment.provider == "render":
        return (f"# Render dashboard: {app}: Environment: {named}: save and deploy",)
    return (f"# Set {named} where production reads its variables, and restart.",)


def diagnostic_commands(situation: Situation) -> tuple[str, ...]:
    """How to look: health, logs, the database's connections."""
    app = (situation.deployment.apps or ("APP",))[0]
    health = quote(situation.health) if situation.health else '"$API_BASE_URL/health"'
    look = [f"curl -s {health}"]
    logs = {
        "fly": f"fly logs -a {quote(app)} -n 100",
        "render": f"# Render dashboard: {app}: Logs",
        "docker": f"docker-compose logs --tail 100 {quote(app)}",
    }
    look.append(logs.get(situation.deployment.provider or "", "# Look at the application's logs."))
    look.append('psql "$DATABASE_URL" -c "SELECT state, count(*) FROM pg_stat_activity GROUP BY 1"')
    return tuple(look)


def _site_down(now: Situation) -> tuple[Step, ...]:
    return (
        Step("Acknowledge", f"Note the start: {_time(now.since)}."),
        _assess(now),
        _way_back(now, "Roll back at once"),
        _verify(now),
        Step("Communicate", "Tell the stakeholders what is down, since when, and what is done."),
        _document(now),
    )


def _core_feature(now: Situation) -> tuple[Step, ...]:
    until = _time(now.since + _HOTFIX)
    return (
        _assess(now),
        Step("Disable", "Turn off what can be turned off without a deploy.", flag_commands(now)),
        _way_back(now, f"Roll back, or have a hotfix live, by {until}"),
        _verify(now),
        Step("Communicate", "Tell the stakeholders what is broken, and by when it will work."),
        _document(now),
    )


def _minor(now: Situation) -> tuple[Step, ...]:
    watch = f"pytest -m monitoring{_base_url(now)}"
    return (
        _assess(now),
        Step("Fix forward", "Mend it in the next deploy; do not roll back."),
        Step("Monitor", "See that it gets no worse.", (watch,)),
        _document(now),
    )


def _assess(now: Situation) -> Step:
    seen = "; ".join(now.found) or now.nothing_found
    return Step("Assess", f"What was seen: {seen}.", diagnostic_commands(now))


def _way_back(now: Situation, text: str) -> Step:
    if now.is_migration:
        why = "A migration failed: stop and assess, and do not roll the code back."
        return Step("Stop", why, migration_commands(now.deployment))
    to = now.deployment.previous_version or "the previous release"
    warning = f" Mind: {now.no_way_back}." if now.no_way_back else ""
    return Step("Roll back", f"{text}, to {to}.{warning}", rollback_commands(now.deployment))


def _verify(now: Situation) -> Step:
    to = now.deployment.previous_version or "PREVIOUS_VERSION"
    command = f"pytest -m postrelease --release {quote(to)}{_base_url(now)}"
    return Step("Verify", "See that the fallback is what runs, and that it is well.", (command,))


def _document(now: Situation) -> Step:
    return Step("Document", f"Write the incident report; it is begun in {now.note}.")


def _base_url(now: Situation) -> str:
    return f" --base-url={quote(now.api)}" if now.api else ""


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S %Z")


_MATRIX: Mapping[Severity, str] = {
    Severity.P1: "site completely down: immediate rollback",
    Severity.P2: "core feature broken: rollback or hotfix within 1 hour",
    Severity.P3: "minor bug: fix forward, monitor",
}
_RESPONSES: Mapping[Severity, Callable[[Situation], tuple[Step, ...]]] = {
    Severity.P1: _site_down,
    Severity.P2: _core_feature,
    Severity.P3: _minor,
}
