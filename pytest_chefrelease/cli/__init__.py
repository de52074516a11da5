"""The ``chefrelease`` command: one module per subcommand, each thin over the room that works."""

from __future__ import annotations

import sys

import click

from pytest_chefrelease import __version__
from pytest_chefrelease.cli.attest import attest
from pytest_chefrelease.cli.board import board
from pytest_chefrelease.cli.browser import browser
from pytest_chefrelease.cli.completion import completion
from pytest_chefrelease.cli.doctor import doctor
from pytest_chefrelease.cli.incident import incident
from pytest_chefrelease.cli.init import init
from pytest_chefrelease.cli.merge import merge
from pytest_chefrelease.cli.outcome import history, outcome
from pytest_chefrelease.cli.plan import plan
from pytest_chefrelease.cli.rehearse import rehearse
from pytest_chefrelease.cli.selftest import selftest
from pytest_chefrelease.cli.sign import sign
from pytest_chefrelease.cli.teaching import Chapters, epilog
from pytest_chefrelease.cli.verify import verify
from pytest_chefrelease.errors import ProbeError, ReleaseGateError


@click.group(
    cls=Chapters,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=epilog(
        "chefrelease rehearse          see it work, with nothing to configure",
        "chefrelease init              begin in your own repository",
        "pytest -m prerelease          may we deploy?",
        exits={
            0: "yes, or done",
            1: "no: NO-GO, HOLD, or something is missing",
            2: "interrupted",
            4: "a mistake in the command, in release.toml or in the environment",
        },
    ),
)
@click.version_option(__version__, package_name="pytest-chefrelease")
def chefrelease() -> None:
    """A production release runbook that looks for itself: GO, NO-GO or HOLD.

    The gate itself is pytest: pytest -m prerelease, pytest -m postrelease, and
    pytest -m monitoring. The commands here are what goes with it.
    """


chefrelease.add_chapter("See how it works", (rehearse, selftest))
chefrelease.add_chapter("Begin in a repository", (init, doctor, plan, browser, completion))
chefrelease.add_chapter("With a release", (sign, board, merge))
chefrelease.add_chapter("When it went wrong, and afterwards", (incident, outcome, history))
chefrelease.add_chapter("Prove what was verified", (attest, verify))


def main() -> None:
    """The entry point: errors made on purpose are told in words, with exit code 4."""
    try:
        sys.exit(chefrelease.main(standalone_mode=False))
    except ProbeError as error:
        click.echo(f"chefrelease: {error.summary}. {error.remedy}".strip(), err=True)
    except ReleaseGateError as error:
        click.echo(f"chefrelease: {error}", err=True)
    except click.ClickException as error:
        # click would end with 2, which is "interrupted" here as in pytest.
        error.show()
    except click.Abort:
        click.echo("chefrelease: interrupted", err=True)
        sys.exit(2)
    sys.exit(4)
