"""ci.command: the user's own commands succeed on a clean checkout of the release commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_chefrelease.checks.command_verdict import judged
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.errors import Unverified
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.settings.model import Settings

if TYPE_CHECKING:
    from pytest_chefrelease.probes.commands import CommandRun
    from pytest_chefrelease.settings.model import Command


def _names(settings: Settings, _stage: Stage) -> Sequence[str]:
    return list(settings.ci.commands)


@check(
    Item(
        id="ci.command",
        title="The command succeeds on a clean checkout of the release commit",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.CI,
        quick_check=1,
        minimum=Minimum(counts={"runs": 1}, facts=("command",), of_release=True),
        remedy="Read its output below and mend the release; do not release around it.",
        if_configured=True,
        timeout_s=3_600,  # each command has a limit of its own
    ),
    each=_names,
)
async def ci_command(look: Context, name: str) -> Evidence:
    """A command of ``[ci.commands]``, in a checkout of its own that is thrown away afterwards.

    Each has its own, so that they run side by side and none sees what another has written. They
    get no secret: the environment is PATH and the like, with CI=true.
    """
    commit = look.release.commit
    if commit is None:
        raise Unverified(look.release.problem or "the release commit is not known")
    command = look.settings.ci.commands[name]
    began = look.now()
    ran = await _run(look, name, command, commit)
    return judged(name, command, ran, began, commit)


async def _run(look: Context, name: str, command: Command, commit: str) -> CommandRun:
    from pytest_chefrelease.probes.clean_checkout import clean_checkout
    from pytest_chefrelease.probes.commands import clean_environment, run_command

    checkout = ExitStack()
    try:
        folder: Path = await asyncio.to_thread(
            checkout.enter_context, clean_checkout(look.probes.git, commit)
        )
        return await run_command(
            command.run,
            directory=folder,
            environment=clean_environment(look.environment, {"CI": "true"}),
            timeout_s=command.timeout.total_seconds(),
            shell=command.shell,
            tell=lambda line: look.say(f"{name}: {line}"),
        )
    finally:
        await asyncio.to_thread(checkout.close)
