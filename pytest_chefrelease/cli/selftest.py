"""``chefrelease selftest``."""

from __future__ import annotations

import sys

import click


@click.command()
@click.option("--item", "items", multiple=True, metavar="ID", help="Only this item (repeatable).")
def selftest(items: tuple[str, ...]) -> None:
    """Show every item a known defect, and see that it says so: a check that does not is blind.

    Against the embedded ChefCloud, on this machine only, within a minute. Exit code 0 when each
    item saw its defect, 1 when one is blind.
    """
    from pytest_chefrelease.rehearsal import selftest

    sys.exit(selftest.run(items, click.echo))
