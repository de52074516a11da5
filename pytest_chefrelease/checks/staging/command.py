"""staging.command: the user's own scripts, run against staging."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_chefrelease.checks.command_verdict import judged
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.staging.target import MAX_AGE, at_staging
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.settings.model import Settings


def _command_names(settings: Settings, _stage: Stage) -> Sequence[str]:
    return list(settings.staging_checks.commands)


@check(
    Item(
        id="staging.command",
        title="The product's own script succeeds against staging",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.STAGING,
        quick_check=2,
        minimum=Minimum(counts={"runs": 1}, facts=("command",), max_age=MAX_AGE),
        remedy="Read its output below; mend staging, or the script.",
        if_configured=True,
        timeout_s=3_600,  # each command has a limit of its own
    ),
    each=_command_names,
)
async def staging_command(look: Context, name: str) -> Evidence:
    """A script of ``[staging.commands]``, with API_BASE_URL and WEB_BASE_URL set to staging."""
    from pytest_chefrelease.probes.commands import clean_environment, run_command

    there = at_staging(look)
    command = look.settings.staging_checks.commands[name]
    given = {"API_BASE_URL": there.api}
    if there.settings.target.web is not None:
        given["WEB_BASE_URL"] = there.settings.target.web
    began = look.now()
    ran = await run_command(
        command.run,
        directory=look.repository,
        environment=clean_environment(look.environment, given),
        timeout_s=command.timeout.total_seconds(),
        shell=command.shell,
        tell=lambda line: look.say(f"{name}: {line}"),
    )
    return judged(name, command, ran, began)
