"""The ``chefrelease`` command: one module per subcommand, each thin over the room that works."""

from __future__ import annotations

import sys

import click

from pytest_chefrelease import __version__
from pytest_chefrelease.cli.attest import attest
from pytest_chefrelease.cli.board import board
from pytest_chefrelease.cli.doctor import doctor
from pytest_chefrelease.cli.incident import incident
from pytest_chefrelease.cli.init import init
from pytest_chefrelease.cli.merge import merge
from pytest_chefrelease.cli.outcome import history, outcome
from pytest_chefrelease.cli.plan import plan
from pytest_chefrelease.cli.rehearse import rehearse
from pytest_chefrelease.cli.selftest import selftest
from pytest_chefrelease.cli.sign import sign
from pytest_chefrelease.cli.verify import verify
from pytest_chefrelease.errors import ProbeError, ReleaseGateError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, package_name="pytest-chefrelease")
def chefrelease() -> None:
    """A production release runbook that looks for itself: GO, NO-GO or HOLD.

    The gate itself is pytest: pytest -m prerelease, pytest -m postrelease, and
    pytest -m monitoring. The commands here are what goes with it.
    """


for _command in (
    rehearse,
    selftest,
    init,
    doctor,
    plan,
    sign,
    board,
    incident,
    merge,
    attest,
    verify,
    outcome,
    history,
):
    chefrelease.add_command(_command)


def main() -> None:
    """The entry point: errors made on purpose are told in words, with exit code 4."""
    try:
        chefrelease()
    except ProbeError as error:
        click.echo(f"chefrelease: {error.summary}. {error.remedy}".strip(), err=True)
        sys.exit(4)
    except ReleaseGateError as error:
        click.echo(f"chefrelease: {error}", err=True)
        sys.exit(4)
