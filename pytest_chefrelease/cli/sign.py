"""``chefrelease sign``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from pytest_chefrelease.cli.teaching import among, epilog


def _signable() -> Iterable[str]:
    from pytest_chefrelease import sign_offs

    return sign_offs.signable()


@click.command(
    short_help="Sign off what only people can do",
    epilog=epilog(
        "chefrelease sign release.approved",
        'chefrelease sign staging.ui-spot-check --note "login, one order"',
        "chefrelease sign --list",
        exits={
            0: "signed, taken back, or listed",
            4: "an item that nobody signs, or a mistake",
        },
    ),
)
@click.argument("item", required=False, shell_complete=among(_signable))
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
