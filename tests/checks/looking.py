"""How tests run one check as the engine does: real probes, given settings and release."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from pytest_chefrelease.checks.context import Context, utc_now
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.engine import Task, run
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import Settings


async def verify(
    item: str,
    settings: Mapping[str, object],
    *,
    stage: Stage = Stage.POSTRELEASE,
    release: Release | None = None,
    parameter: str | None = None,
    repository: Path = Path("/"),
    environment: Mapping[str, str] | None = None,
    now: Callable[[], datetime] = utc_now,
    timeout_s: float = 10.0,
) -> Result:
    """The result of one check; ``settings`` are the tables of release.toml."""
    typed = Settings.model_validate(settings)
    look = Context(
        settings=typed,
        release=release or Release("v1.5.0", None, typed.release.environment),
        stage=stage,
        repository=repository,
        probes=Probes(typed, repository),
        once=Once(),
        environment=environment or {},
        now=now,
    )
    check = catalogue()[item]
    if parameter is None:
        (parameter,) = check.parameters_for(typed, stage)
    try:
        return await run(Task(check, parameter, timeout_s=timeout_s), look)
    finally:
        await look.probes.close()


def verified(item: str, settings: Mapping[str, object], **given: object) -> Result:
    """``verify`` from a test that is not async."""
    return asyncio.run(verify(item, settings, **given))  # type: ignore[arg-type]
