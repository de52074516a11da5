"""Runs one check as the gate does, with real probes, against whatever a test serves."""

from __future__ import annotations

from pathlib import Path

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.engine import Task, run, timeout_of
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import Settings

RELEASE = Release("v1.5.0", "c0ffee5" + "0" * 33, "production")


def settings_for(api: str = "", /, **tables: object) -> Settings:
    """Settings with production's API at an address; ``tables`` as in release.toml."""
    environments: dict[str, object] = {"production": {"api": api}} if api else {}
    return Settings.model_validate({"environments": environments, **tables})


def context_for(
    settings: Settings,
    *,
    stage: Stage = Stage.POSTRELEASE,
    release: Release = RELEASE,
    environment: dict[str, str] | None = None,
    repository: Path | None = None,
    said: list[str] | None = None,
) -> Context:
    """The surroundings of a check; ``said`` collects its lines of progress."""
    where = repository or Path()
    return Context(
        settings=settings,
        release=release,
        stage=stage,
        repository=where,
        probes=Probes(settings, where),
        once=Once(),
        environment=environment or {},
        say=(said if said is not None else []).append,
    )


async def verify(
    item: str,
    parameter: str | None,
    settings: Settings,
    *,
    stage: Stage = Stage.POSTRELEASE,
    release: Release = RELEASE,
    environment: dict[str, str] | None = None,
    repository: Path | None = None,
    said: list[str] | None = None,
) -> Result:
    """The result of one check."""
    look = context_for(
        settings,
        stage=stage,
        release=release,
        environment=environment,
        repository=repository,
        said=said,
    )
    check = catalogue()[item]
    try:
        return await run(Task(check, parameter, timeout_of(check.item, settings)), look)
    finally:
        await look.probes.close()
