"""``chefrelease selftest``."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from pytest_chefrelease.cli.teaching import among, epilog


def _items() -> Iterable[str]:
    from pytest_chefrelease.checks.declare import catalogue

    return catalogue()


@click.command(
    short_help="Show every item a known defect: is one blind?",
    epilog=epilog(
        "chefrelease selftest",
        "chefrelease selftest --item health.endpoint",
        exits={
            0: "each item saw its defect",
            1: "one is blind to it",
            4: "an item that there is not, or a part that is not installed",
        },
    ),
)
@click.option(
    "--item",
    "items",
    multiple=True,
    metavar="ID",
    shell_complete=among(_items),
    help="Only this item (repeatable).",
)
def selftest(items: tuple[str, ...]) -> None:
    """Show every item a known defect, and see that it says so: a check that does not is blind.

    Against the embedded ChefCloud, on this machine only, within a minute.
    """
    from pytest_chefrelease.rehearsal import selftest

    sys.exit(selftest.run(items, click.echo))
