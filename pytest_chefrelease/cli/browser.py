"""``chefrelease browser install``."""

from __future__ import annotations

import os

import click

from pytest_chefrelease.cli.teaching import epilog


@click.command(
    short_help="Install the Chromium that the browser checks need",
    epilog=epilog(
        "chefrelease browser install",
        exits={
            0: "it is there, and starts",
            4: "it could not be installed, or does not start; the line says why",
        },
    ),
)
@click.argument("action", type=click.Choice(["install"]))
def browser(action: str) -> None:  # noqa: ARG001 - there is one ACTION, and it is named
    """Bring a Chromium to this machine, by Playwright's own installer: ACTION is install.

    A Chromium or Chrome that is installed already is found without it.
    """
    from pytest_chefrelease.probes.browser_install import install_chromium

    click.echo("Looking for Playwright's Chromium; a download takes a minute or two.", err=True)
    found = install_chromium(os.environ)
    done = "was there already" if found.was_there else "is installed"
    click.echo(f"{found.version} {done}: {found.program}")
