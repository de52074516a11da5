"""``chefrelease merge``."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from pytest_chefrelease.cli.teaching import epilog

_FOLDER = click.Path(path_type=Path, file_okay=False)
_STAGES = click.Choice(["prerelease", "postrelease", "monitoring"])


@click.command(
    short_help="One report and one verdict from several shards",
    epilog=epilog(
        "chefrelease merge shard-1 shard-2",
        "chefrelease merge shard-1 shard-2 --stage postrelease --reports reports",
        exits={
            0: "the whole is GO",
            1: "NO-GO or HOLD: a part that is missing holds too",
            4: "parts of different releases, or a mistake",
        },
    ),
)
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=_FOLDER)
@click.option("--stage", type=_STAGES, help="Where the folders hold several stages.")
@click.option(
    "--reports",
    type=_FOLDER,
    default=Path("reports"),
    show_default=True,
    help="Where the merged reports go.",
)
@click.option("--release-config", metavar="FILE", help="The settings file; default: release.toml.")
def merge(
    folders: tuple[Path, ...], stage: str | None, reports: Path, release_config: str | None
) -> None:
    """Make one report and one verdict from the results of several shards or hosts.

    Each DIR is the report folder of one of them: pytest -m prerelease --release-shard 2/5.
    """
    from pytest_chefrelease.merge import desk
    from pytest_chefrelease.report.terminal import verdict_block
    from pytest_chefrelease.runbook.item import Stage

    try:
        done = desk.merge(folders, reports, Stage(stage) if stage else None, release_config)
    except OSError as error:
        click.echo(f"HOLD: the merged reports could not be written: {error.strerror}", err=True)
        sys.exit(1)
    record = done.record
    block = verdict_block(
        record,
        shutil.get_terminal_size().columns,
        colour=sys.stdout.isatty(),
        unicode=(sys.stdout.encoding or "").lower().startswith("utf"),
        reports=[os.path.relpath(path) for path in done.paths],
    )
    click.echo(block)
    sys.exit(0 if record.verdict.is_go else 1)
