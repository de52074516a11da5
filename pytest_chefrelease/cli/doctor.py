"""``chefrelease doctor``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click


@click.command()
@click.option("--release-config", metavar="FILE", help="The settings file; default: release.toml.")
def doctor(release_config: str | None) -> None:
    """Show what can be verified from here, and what each missing source needs.

    Every address, credential, program and clock is looked at, at once, within 10 seconds.
    Exit code 0 when all is there, else 1.
    """
    from pytest_chefrelease.checks.declare import catalogue
    from pytest_chefrelease.doctor.examine import State, examine
    from pytest_chefrelease.doctor.place import settings_here
    from pytest_chefrelease.doctor.tell import tell

    place = settings_here(Path.cwd(), release_config)
    examined = asyncio.run(examine(place, tuple(catalogue().values())))
    click.echo(tell(examined))
    sys.exit(1 if any(each.state is State.MISSING for each in examined) else 0)
