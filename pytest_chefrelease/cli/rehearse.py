"""``chefrelease rehearse``."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.option("--fault", "faults", multiple=True, metavar="NAME", help="Break this (repeatable).")
@click.option("--list-faults", is_flag=True, help="List the faults, and what each turns red.")
@click.option("--serve", is_flag=True, help="Keep the stack up for pytest in another terminal.")
@click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Where the three reports go.",
)
def rehearse(faults: tuple[str, ...], *, list_faults: bool, serve: bool, reports: Path) -> None:
    """Walk the whole runbook against an embedded ChefCloud on this machine.

    Nothing to configure. Exit code 0 when all three stages are GO.
    """
    from pytest_chefrelease.rehearsal import walk

    if list_faults:
        click.echo(walk.list_faults())
        return
    sys.exit(walk.rehearse(faults, serve=serve, reports=reports))
