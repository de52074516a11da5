"""``chefrelease doctor``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from pytest_chefrelease.cli.teaching import epilog


@click.command(
    short_help="What can be verified from here, and what is missing",
    epilog=epilog(
        "chefrelease doctor",
        exits={
            0: "everything is there",
            1: "something is missing; each line says what to do",
            4: "a mistake in the command or in release.toml",
        },
    ),
)
@click.option("--release-config", metavar="FILE", help="The settings file; default: release.toml.")
def doctor(release_config: str | None) -> None:
    """Show what can be verified from here, and what each missing source needs.

    Every address, credential, program and clock is looked at, at once, within 10 seconds.
    """
    from pytest_chefrelease.checks.declare import catalogue
    from pytest_chefrelease.doctor.examine import State, examine
    from pytest_chefrelease.doctor.place import settings_here
    from pytest_chefrelease.doctor.tell import tell

    place = settings_here(Path.cwd(), release_config)
    examined = asyncio.run(examine(place, tuple(catalogue().values())))
    click.echo(tell(examined))
    sys.exit(1 if any(each.state is State.MISSING for each in examined) else 0)
