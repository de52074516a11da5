"""``chefrelease board``."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from pytest_chefrelease.cli.teaching import epilog


@click.command(
    short_help="The ten-line quick check over all stages",
    epilog=epilog(
        "chefrelease board",
        "chefrelease board --release v1.5.0",
        exits={
            0: "all three stages are GO for this commit, and every line is filled",
            1: "they are not",
            4: "a mistake in the command or in release.toml",
        },
    ),
)
@click.option("--release", "version", metavar="VERSION", help="Default: the tag that HEAD carries.")
@click.option("--release-config", metavar="FILE", help="The settings file; default: release.toml.")
@click.option("--release-reports", metavar="DIR", help="Where the stages' reports are.")
def board(version: str | None, release_config: str | None, release_reports: str | None) -> None:
    """Show the ten-line quick check over the last runs of all stages, with their ages."""
    from pytest_chefrelease.checks.conclude import board_of
    from pytest_chefrelease.desk import open_desk
    from pytest_chefrelease.report.terminal import Paper, board_block
    from pytest_chefrelease.runbook.verdict import Decision
    from pytest_chefrelease.runbook.whole import judge

    desk = open_desk(Path.cwd(), config=release_config, version=version, reports=release_reports)
    now = datetime.now(UTC)
    lines = board_of(desk.records)
    whole = judge(desk.records, lines)
    paper = Paper(shutil.get_terminal_size().columns, sys.stdout.isatty())
    block = board_block(desk.release.name, whole, desk.records, lines, now, paper)
    for problem in desk.problems:
        click.echo(f"Problem: {problem}")
    click.echo(block)
    sys.exit(0 if whole.decision is Decision.GO and not desk.problems else 1)
