"""``chefrelease init``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pytest_chefrelease.cli.teaching import epilog


@click.command(
    short_help="Write a release.toml that fits this repository",
    epilog=epilog(
        "chefrelease init",
        "chefrelease init --ci github",
        exits={
            0: "written",
            4: "a file was there and is left as it is, or a mistake",
        },
    ),
)
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab", "azure", "jenkins"]),
    help="Write this CI's workflow too: the gate before and after your deploy.",
)
def init(ci: str | None) -> None:
    """Write a release.toml that fits this repository.

    It is filled in from the git remote, render.yaml, fly.toml, package.json, Prisma's folder,
    .env.example and existing CI; each value says where it came from. Nothing that exists is
    overwritten: what would be added is shown.
    """
    from pytest_chefrelease.scaffold import desk

    done = desk.init(Path.cwd(), ci)
    for line in done.lines:
        click.echo(line)
    if done.is_whole:
        click.echo("Next: chefrelease doctor")
    sys.exit(0 if done.is_whole else 4)
