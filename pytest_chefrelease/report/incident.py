"""The incident response as text for a terminal, and the incident note as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pytest_chefrelease.incident import Event
from pytest_chefrelease.report.plain import one_line, plain
from pytest_chefrelease.report.terminal import Paper
from pytest_chefrelease.runbook.incident import (
    Situation,
    Step,
    diagnostic_commands,
    flag_commands,
    steps,
    title,
)
from pytest_chefrelease.runbook.item import Severity

_MARKDOWN = str.maketrans({c: f"\\{c}" for c in r"\`*_{}[]<>#|"})


def response_text(
    situation: Situation, levels: Sequence[Severity], called: Severity | None, paper: Paper
) -> str:
    """The steps of each level; the one that the gate's findings call for is marked."""
    lines = [paper.paint(f"Incident: {one_line(situation.release, 200)}", "1")]
    lines += paper.wrap(f"since {_moment(situation.since)}; note: {situation.note}")
    lines += paper.wrap(f"way back: {_way_back(situation)}")
    for level in levels:
        mark = "  <- by what the gate found" if level is called else ""
        lines += ["", paper.paint(title(level), "1") + mark]
        for number, step in enumerate(steps(level, situation), start=1):
            lines += _step(number, step, paper)
    lines += ["", paper.paint("Emergency switches", "1")]
    lines += [f"       {_command(each)}" for each in flag_commands(situation)]
    return "\n".join(lines)


def note(situation: Situation, level: Severity, events: Sequence[Event], now: datetime) -> str:
    """An incident report that is begun: what is known is in it, the rest is asked for."""
    listed = "".join(f"- {_moment(e.at)}: {_text(e.text)}\n" for e in events)
    found = "".join(f"- {_text(each)}\n" for each in situation.found)
    nothing = f"{situation.nothing_found.capitalize()}."
    done = "".join(
        f"{number}. **{step.word}**: {_text(step.text)}\n{_block(step.commands)}"
        for number, step in enumerate(steps(level, situation), start=1)
    )
    return (
        f"# Incident: {_text(situation.release)}\n\n"
        f"- Level: {title(level)}\n"
        f"- Began: {_moment(situation.since)}\n"
        f"- Noted: {_moment(now)}\n"
        f"- Way back: {_text(_way_back(situation))}\n"
        "- Ended: \n"
        "- Incident lead: \n\n"
        f"## What was seen\n\n{found or nothing}\n\n"
        f"## Timeline (UTC)\n\n{listed or 'No run of the gate is kept for this commit.'}\n"
        f"- {_moment(now)}: this note was begun\n\n"
        f"## Response\n\n{done}\n"
        f"## Emergency switches\n\n{_block(flag_commands(situation))}\n"
        f"## How to look\n\n{_block(diagnostic_commands(situation))}\n"
        "## Cause\n\n\n## What will keep it from happening again\n\n"
    )


def _way_back(situation: Situation) -> str:
    known = situation.deployment
    provider = f" at {known.provider}" if known.provider else ""
    version, backup = known.previous_version or "unknown release", known.backup or "unknown"
    return f"{version}{provider}, backup {backup}"


def _step(number: int, step: Step, paper: Paper) -> list[str]:
    lines = paper.wrap(f"{step.word}: {step.text}", " " * 5, f"  {number}. ")
    return [*lines, *(f"       {_command(each)}" for each in step.commands)]


def _command(text: str) -> str:
    return plain(text).replace("\n", " ")


def _block(commands: Sequence[str]) -> str:
    """Commands as code; a fence inside one cannot end the block."""
    body = "\n".join(_command(each).replace("```", "` ` `") for each in commands)
    return f"```sh\n{body}\n```\n" if commands else ""


def _text(text: str) -> str:
    """Text from outside, as Markdown that says just that."""
    return one_line(text, 500).translate(_MARKDOWN)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
