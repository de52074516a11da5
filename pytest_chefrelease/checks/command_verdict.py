"""What a run of the user's own command says: the same for CI's commands and staging's."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pytest_chefrelease.errors import Failed
from pytest_chefrelease.runbook.command_output import count_warnings
from pytest_chefrelease.runbook.evidence import Evidence, Text

if TYPE_CHECKING:
    from pytest_chefrelease.probes.commands import CommandRun
    from pytest_chefrelease.settings.model import Command


def judged(
    name: str, command: Command, ran: CommandRun, began: datetime, commit: str | None = None
) -> Evidence:
    """Evidence of a command that exited 0; its warnings are counted. Raises Failed for others."""
    warnings = count_warnings(ran.output)
    told = f", {warnings} warning{'s' * (warnings != 1)}" if warnings else ""
    seen = Evidence(
        summary=f"exit code 0 in {ran.duration_s:.1f} s{told}",
        source=command.run,
        observed_at=began,
        facts={
            "runs": 1,
            "command": command.run,
            "exit_code": ran.exit_code,
            "duration_s": round(ran.duration_s, 2),
            "warnings": warnings,
            "output_bytes": ran.output_bytes,
        },
        commit=commit,
        attachments=(Text(f"Output of {name}", ran.output),),
    )
    if ran.exit_code != 0:
        raise Failed(
            f"{ran.end}: {ran.last_line[:200] or 'no output'}",
            expected=f"exit code 0 within {command.timeout.total_seconds():g} s",
            where=command.run,
            evidence=seen,
        )
    return seen
