"""``chefrelease rehearse``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from pytest_chefrelease.cli.teaching import among, epilog


def _faults() -> Iterable[str]:
    from pytest_chefrelease.rehearsal.faults import FAULTS

    return (fault.name for fault in FAULTS)


@click.command(
    short_help="Walk the whole runbook on this machine",
    epilog=epilog(
        "chefrelease rehearse",
        "chefrelease rehearse --list-faults",
        "chefrelease rehearse --fault failed-migration",
        "chefrelease rehearse --serve",
        exits={
            0: "GO in all three stages",
            1: "NO-GO or HOLD in one of them",
            4: "a fault that there is not, or a part that is not installed",
        },
    ),
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME",
    shell_complete=among(_faults),
    help="Break this (repeatable).",
)
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

    Nothing to configure: the product, its database and stand-ins for its vendors are started,
    and each stage is a real pytest run.
    """
    from pytest_chefrelease.rehearsal import walk

    if list_faults:
        click.echo(walk.list_faults())
        return
    sys.exit(walk.rehearse(faults, serve=serve, reports=reports))
