"""``chefrelease outcome`` and ``chefrelease history``."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from pytest_chefrelease.cli.teaching import epilog

_WORDS = click.Choice(["good", "rolled-back", "incident"])
_CONFIG = click.option(
    "--release-config", metavar="FILE", help="The settings file; default: release.toml."
)


@click.command(
    short_help="Say what became of a release",
    epilog=epilog(
        "chefrelease outcome v1.5.0 good",
        'chefrelease outcome v1.5.0 rolled-back --note "login broken"',
        exits={
            0: "written",
            1: "the ledger could not be written",
            4: "a mistake in the command or in release.toml",
        },
    ),
)
@click.argument("version")
@click.argument("became", type=_WORDS)
@click.option("--note", default="", metavar="TEXT", help="What happened, or where it stands.")
@_CONFIG
def outcome(version: str, became: str, note: str, release_config: str | None) -> None:
    """Say what became of the release VERSION.

    From these words release.track-record tells how often each item blocked rightly.
    """
    from pytest_chefrelease import ledger
    from pytest_chefrelease.report.actor import actor
    from pytest_chefrelease.runbook.track_record import Became

    path = _ledger(release_config)
    by, now = actor(os.environ, Path.cwd()), datetime.now(UTC)
    try:
        ledger.say_outcome(path, version, Became(became), by=by, note=note, at=now)
    except OSError as error:
        click.echo(f"chefrelease: {path} was not written: {error.strerror}", err=True)
        sys.exit(1)
    click.echo(f"{version}: {became}")


@click.command(
    short_help="The latest runs, and what became of them",
    epilog=epilog(
        "chefrelease history",
        "chefrelease history --limit 50",
        exits={
            0: "listed",
            4: "a mistake in the command or in release.toml, or no ledger to read",
        },
    ),
)
@click.option("--limit", default=20, show_default=True, help="At most so many runs.")
@_CONFIG
def history(limit: int, release_config: str | None) -> None:
    """List the latest runs of the gate, the newest first, and what became of their releases."""
    from pytest_chefrelease.probes.ledger import LedgerProbe
    from pytest_chefrelease.report.plain import one_line

    for run in LedgerProbe(_ledger(release_config)).runs(limit):
        release = run.version or (run.commit or "unknown")[:12]
        when = f"{run.at.astimezone(UTC):%Y-%m-%d %H:%M}"
        head = f"{when}  {release:<12} {run.stage:<11} {run.environment:<10} {run.verdict:<5}"
        click.echo(one_line(f"{head} {run.became or '-':<11} {run.sentence}", 200))


def _ledger(release_config: str | None) -> Path:
    from pytest_chefrelease.settings.load import load_settings

    settings = load_settings(Path.cwd(), {}, os.environ, release_config).settings
    return Path(settings.report.ledger_path)
