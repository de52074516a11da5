"""``chefrelease sign``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
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
