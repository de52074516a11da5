"""Findings that have a place in the repository, as checks put them among their facts.

``facts["findings"]`` is a list of ``{file, line, message, rule}``: the file relative to the
repository, the line from 1, the rule a short name that stays the same between runs.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from msgspec import Struct

from pytest_chefrelease.report.plain import one_line
from pytest_chefrelease.runbook.evidence import Scalar
from pytest_chefrelease.runbook.outcome import Result

FACT = "findings"


class Finding(Struct, frozen=True):
    """One place in the repository, and what is wrong there."""

    file: str
    line: int
    message: str
    rule: str


def findings_of(result: Result) -> list[Finding]:
    """The findings of a result; entries without a place inside of the repository are left out."""
    listed = result.evidence.facts.get(FACT) if result.evidence else None
    if not isinstance(listed, list):
        return []
    found = [_finding(entry, result) for entry in listed if isinstance(entry, dict)]
    return [finding for finding in found if finding is not None]


def _finding(entry: dict[str, Scalar], result: Result) -> Finding | None:
    file, line = entry.get("file"), entry.get("line")
    if not isinstance(file, str) or not file or not _is_inside(file):
        return None
    return Finding(
        file=one_line(file, 1_000),
        line=line if isinstance(line, int) and line > 0 else 1,
        message=one_line(str(entry.get("message") or result.summary), 1_000),
        rule=one_line(str(entry.get("rule") or result.item.id), 200),
    )


def _is_inside(file: str) -> bool:
    path = PurePosixPath(file)
    return not path.is_absolute() and ".." not in path.parts
