"""The ``chefrelease`` command."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pytest_chefrelease import __version__
from pytest_chefrelease.errors import ReleaseGateError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, package_name="pytest-chefrelease")
def chefrelease() -> None:
    """A production release runbook that looks for itself: GO, NO-GO or HOLD.

    The gate itself is pytest: pytest -m prerelease, pytest -m postrelease, and
    pytest -m monitoring. The commands here are what goes with it.
    """


@chefrelease.command()
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


@chefrelease.command()
@click.argument("item", required=False)
@click.option("--note", default="", metavar="TEXT", help="What was looked at, or where it stands.")
@click.option("--revoke", is_flag=True, help="Take your sign-off back.")
@click.option("--list", "listing", is_flag=True, help="Show what is signed for this commit.")
@click.option("--release-config", metavar="FILE", help="The settings file; default: release.toml.")
def sign(
    item: str | None, note: str, *, revoke: bool, listing: bool, release_config: str | None
) -> None:
    """Sign off a manual ITEM for the release commit, such as release.approved.

    It is written as a git note on the commit (refs/notes/release-signoffs), which plain git
    shows: git notes --ref=release-signoffs show. Nothing else in the repository is touched.
    """
    from pytest_chefrelease import sign_offs

    desk = sign_offs.open_desk(Path.cwd(), release_config)
    if listing:
        click.echo(desk.listing())
    elif item is None:
        raise click.UsageError(f"Name an item: {', '.join(sign_offs.signable())}; or use --list.")
    else:
        click.echo(desk.sign(item, note, is_revocation=revoke))


def main() -> None:
    """The entry point: errors made on purpose are told in words, with exit code 4."""
    try:
        chefrelease()
    except ReleaseGateError as error:
        click.echo(f"chefrelease: {error}", err=True)
        sys.exit(4)
