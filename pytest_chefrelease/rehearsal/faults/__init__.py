"""Faults: every defect that the rehearsal can be told to have, one module for each section.

To add one: an entry in a module's ``FAULTS``; a new module is named here.
"""

from __future__ import annotations

from difflib import get_close_matches

from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.rehearsal.faults import (
    alerts,
    backup,
    ci,
    database,
    deploy,
    drill,
    env,
    health,
    incident,
    latency,
    logs,
    metrics,
    migrations,
    preflight,
    redis,
    release,
    rollback,
    routes,
    secrets,
    sentry,
    smoke,
    staging,
    version,
    watch,
    world,
)
from pytest_chefrelease.rehearsal.faults.fault import Fault

FAULTS: tuple[Fault, ...] = (
    *ci.FAULTS,
    *staging.FAULTS,
    *version.FAULTS,
    *release.FAULTS,
    *rollback.FAULTS,
    *world.FAULTS,
    *secrets.FAULTS,
    *env.FAULTS,
    *backup.FAULTS,
    *deploy.FAULTS,
    *migrations.FAULTS,
    *drill.FAULTS,
    *database.FAULTS,
    *redis.FAULTS,
    *health.FAULTS,
    *smoke.FAULTS,
    *preflight.FAULTS,
    *routes.FAULTS,
    *latency.FAULTS,
    *sentry.FAULTS,
    *alerts.FAULTS,
    *incident.FAULTS,
    *watch.FAULTS,
    *metrics.FAULTS,
    *logs.FAULTS,
)
"""All faults, in the order of the runbook."""


def fault_named(name: str) -> Fault:
    """The fault of that name.

    Raises:
        SettingsError: there is none; the message has the nearest names.
    """
    for fault in FAULTS:
        if fault.name == name:
            return fault
    near = get_close_matches(name, [fault.name for fault in FAULTS], n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "see --list-faults"
    raise SettingsError([f"--fault {name}: there is no such fault, {hint}"])
