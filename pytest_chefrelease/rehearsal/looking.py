"""Runs checks against a stack as the gate does, without pytest around them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.engine import Task, run, timeout_of
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.checks.watching import Watch
from pytest_chefrelease.probes.git import identify_release
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.runbook.item import Item, Stage
from pytest_chefrelease.runbook.outcome import Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.load import load_settings


def looked_at(
    stack: Stack,
    stage: Stage,
    wanted: Callable[[Item], bool],
    watch: Watch | None = None,
    release: Release | None = None,
    labels: Collection[str] | None = None,
) -> list[Result]:
    """The results of the wanted items' checks in a stage, as the gate gets them.

    ``release`` is another than settings name. ``labels`` narrows them to
    single checks (``routes.http[/orders]``).
    """
    path = stack.write_release_toml()
    settings = load_settings(path.parent, {}, {}, path.name).settings
    repository = stack.repository.path
    look = Context(
        settings=settings,
        release=release or identify_release(settings, repository),
        stage=stage,
        repository=repository,
        probes=Probes(settings, repository),
        once=Once(),
        environment=stack.environment,
        watch=watch,
    )
    tasks = [
        Task(check, parameter, timeout_of(check.item, settings))
        for check in catalogue().values()
        if wanted(check.item) and stage in check.item.stages
        for parameter in check.parameters_for(settings, stage)
        if labels is None or check.item.label(parameter) in labels
    ]

    async def go() -> list[Result]:
        try:
            return list(await asyncio.gather(*(run(task, look) for task in tasks)))
        finally:
            await look.probes.close()

    return asyncio.run(go())
