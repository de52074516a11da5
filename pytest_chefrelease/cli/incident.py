"""``chefrelease incident``."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from pytest_chefrelease.cli.teaching import epilog

_LEVELS = click.Choice(["P1", "P2", "P3"])


@click.command(
    short_help="The runbook's response, filled in; begins a note",
    epilog=epilog(
        "chefrelease incident",
        "chefrelease incident P1",
        exits={
            0: "printed, and the note is begun",
            1: "printed, but the note could not be written",
            4: "a mistake in the command or in release.toml",
        },
    ),
)
@click.argument("level", required=False, type=_LEVELS)
@click.option("--release", "version", metavar="VERSION", help="Default: the tag that HEAD carries.")
@click.option("--release-config", metavar="FILE", help="The settings file; default: release.toml.")
@click.option("--release-reports", metavar="DIR", help="Where the stages' reports are.")
def incident(
    level: str | None, version: str | None, release_config: str | None, release_reports: str | None
) -> None:
    """Print the runbook's response for P1, P2 and P3 (or one LEVEL), and begin an incident note.

    Everything that the last runs of the gate know is filled in: what failed and since when,
    the provider's commands, the previous release, the backup. Nothing is run. The note is
    Markdown, beside the reports, with the timeline of the watch.
    """
    from pytest_chefrelease.desk import open_desk
    from pytest_chefrelease.incident import events_of, level_of, situation_of
    from pytest_chefrelease.probes.secret_stores.local_values import local_values
    from pytest_chefrelease.report.incident import note, response_text
    from pytest_chefrelease.report.redact import Redactor
    from pytest_chefrelease.report.terminal import Paper
    from pytest_chefrelease.runbook.item import Severity

    desk = open_desk(Path.cwd(), config=release_config, version=version, reports=release_reports)
    now = datetime.now(UTC)
    path = desk.reports / f"incident-{now:%Y%m%d-%H%M%S}.md"
    situation = situation_of(desk, now, os.path.relpath(path))
    found = level_of(desk)
    clean = Redactor(local_values(desk.settings, desk.repository, os.environ)).text
    paper = Paper(max(shutil.get_terminal_size().columns, 60), sys.stdout.isatty())
    levels = [Severity(level)] if level else list(Severity)
    click.echo(clean(response_text(situation, levels, found, paper)))
    for problem in desk.problems:
        click.echo(f"Problem: {problem}")
    called = Severity(level) if level else found or Severity.P2
    text = note(situation, called, events_of(desk), now)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(clean(text), encoding="utf-8")
    except OSError as error:
        # In an incident the response is what counts: it has been printed.
        click.echo(f"chefrelease: {path} was not written: {error.strerror}", err=True)
        sys.exit(1)
