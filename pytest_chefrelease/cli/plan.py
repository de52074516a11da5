"""``chefrelease plan``."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_chefrelease.cli.teaching import epilog


@click.command(
    short_help="What a stage would touch, before it does",
    epilog=epilog(
        "chefrelease plan prerelease",
        "chefrelease plan",
        exits={
            0: "shown; nothing was touched",
            4: "a mistake in the command or in release.toml",
        },
    ),
)
@click.argument(
    "stage", required=False, type=click.Choice(["prerelease", "postrelease", "monitoring"])
)
@click.option("--release-config", metavar="FILE", help="The settings file; default: release.toml.")
def plan(stage: str | None, release_config: str | None) -> None:
    """Show every host, verb, credential and file that a STAGE would touch.

    From settings alone, before anything is touched. Without STAGE: all three.
    """
    from pytest_chefrelease.checks.declare import catalogue
    from pytest_chefrelease.doctor.place import settings_here
    from pytest_chefrelease.doctor.plan import plan_of, tell_plan
    from pytest_chefrelease.runbook.item import Stage

    settings = settings_here(Path.cwd(), release_config).settings
    stages = [Stage(stage)] if stage else list(Stage)
    told = [tell_plan(plan_of(settings, catalogue().values(), each)) for each in stages]
    click.echo("\n\n".join(told))
