"""What GitHub Actions shows of a run: a step summary and annotations.

Source: GitHub's "Workflow commands": a summary of at most 1 MiB a step, at most 10 annotations
of a kind a step; % CR LF are escaped in messages, : and , in properties too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pytest_chefrelease.report.findings import Finding, findings_of
from pytest_chefrelease.report.plain import one_line, plain
from pytest_chefrelease.report.readable import age
from pytest_chefrelease.runbook.outcome import Outcome, Result, count
from pytest_chefrelease.runbook.record import StageRecord
from pytest_chefrelease.runbook.verdict import Decision

SUMMARY_LIMIT = 1024 * 1024
"""Bytes of a step's summary; beyond, GitHub shows none at all."""

ANNOTATIONS = 10
_MARKS = {
    "passed": "✅",
    "failed": "❌",
    "unverified": "❔",
    "waived": "🟪",
    "not-applicable": "⚪",
    "shadow": "👥",
    "pending": "⬜",
}
_SIGNS = {Decision.GO: "✅", Decision.NO_GO: "🛑", Decision.HOLD: "⏸️"}
_MARKDOWN = re.compile(r"[\\`*_{}\[\]()#+!|<>&~@$:-]")


def append_summary(path: Path, record: StageRecord) -> None:
    """Add the summary to the file that ``GITHUB_STEP_SUMMARY`` names. Raises OSError."""
    with path.open("a", encoding="utf-8") as file:
        file.write(step_summary(record))


def step_summary(record: StageRecord, limit: int = SUMMARY_LIMIT) -> str:
    """The verdict as Markdown, in less than ``limit`` bytes of UTF-8.

    All text from outside is escaped, so that it neither formats nor links nor mentions.
    """
    head = "\n".join([*_head(record), *_response(record), *_board(record)])
    foot = "\n".join(["", *_foot(record), ""])
    rows = _within(_troubles(record), limit - _size(head) - _size(foot))
    return "\n".join([head, *rows, foot])


def workflow_commands(record: StageRecord) -> str:
    """Workflow commands, one a line: errors for what blocks, warnings, notices for waivers."""
    kinds: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    for result in sorted(record.results, key=lambda r: (r.severity, r.item.id)):
        kind = _kind(result)
        if kind is not None:
            kinds[kind] += _commands(kind, result)
    lines = [line for kind, found in kinds.items() for line in _bounded(kind, found)]
    return "\n".join(lines) + "\n" if lines else ""


def _kind(result: Result) -> str | None:
    if result.blocks:
        return "error"
    if result.outcome in (Outcome.FAILED, Outcome.UNVERIFIED):
        return "warning"
    return "notice" if result.outcome is Outcome.WAIVED else None


def _commands(kind: str, result: Result) -> Iterator[str]:
    title = _property(one_line(f"{result.label} {result.outcome}", 200))
    places = findings_of(result)
    for place in places:
        where = f"file={_property(place.file)},line={place.line},"
        yield f"::{kind} {where}title={title}::{_message(_place_words(place, result))}"
    if not places:
        text = f"{result.summary}\n{result.remedy}".strip()
        yield f"::{kind} title={title}::{_message(text)}"


def _place_words(place: Finding, result: Result) -> str:
    return f"{place.message}\n{result.remedy}".strip()


def _bounded(kind: str, lines: Sequence[str]) -> Sequence[str]:
    """At most ten; the tenth says how many more there are."""
    if len(lines) <= ANNOTATIONS:
        return lines
    more = len(lines) - ANNOTATIONS + 1
    last = f"::{kind} title=and {more} more::The reports and the step's summary hold all."
    return [*lines[: ANNOTATIONS - 1], last]


def _message(text: str) -> str:
    return plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def markdown(text: str, limit: int = 600) -> str:
    """Text on one line, every sign that Markdown or HTML could read as markup spelt out."""
    return _MARKDOWN.sub(lambda sign: f"&#{ord(sign.group())};", one_line(text, limit))


def _head(record: StageRecord) -> Iterator[str]:
    verdict = record.verdict
    name = markdown(record.release.name)
    yield f"## {_SIGNS[verdict.decision]} {verdict.decision} · {record.stage} of {name}"
    yield ""
    yield f"**{markdown(verdict.sentence)}**"
    if verdict.to_go:
        yield f"\nTo make it GO: {markdown(verdict.to_go)}"
    yield ""


def _response(record: StageRecord) -> Iterator[str]:
    response = record.response
    within = f" ({markdown(response.within)})" if response.within else ""
    yield f"### What to do: {response.action.value.replace('-', ' ')}{within}\n"
    yield markdown(response.reason)
    if response.commands:
        lines = [plain(command).replace("\n", " ") for command in response.commands]
        longest = max((len(ticks) for line in lines for ticks in re.findall("`+", line)), default=0)
        fence = "`" * max(3, longest + 1)
        yield "\n".join(["", f"{fence}sh", *lines, fence])
    yield ""


def _board(record: StageRecord) -> Iterator[str]:
    yield "### Quick check\n"
    yield "| | Line | Outcome | Seen |"
    yield "|---|---|---|---|"
    for line in record.quick_check:
        seen = age(line.observed_at, record.finished_at) if line.observed_at else ""
        where = markdown(f"{line.stage}, {seen}") if line.stage else ""
        mark = _MARKS.get(line.outcome, "❔")
        yield f"| {line.line} | {markdown(line.text)} | {mark} {line.outcome} | {where} |"
    yield ""


def _troubles(record: StageRecord) -> Iterator[str]:
    shown = (Outcome.FAILED, Outcome.UNVERIFIED, Outcome.WAIVED)
    found = [r for r in record.results if r.outcome in shown]
    found.sort(key=lambda r: (shown.index(r.outcome), not r.blocking, r.severity, r.item.id))
    if not found:
        return
    yield "### Not passed\n"
    yield "| | Item | Severity | Why | What to do |"
    yield "|---|---|---|---|---|"
    for result in found:
        severity = result.severity if result.blocking else f"{result.severity}, advisory"
        cells = (markdown(result.label, 200), severity, markdown(result.summary))
        remedy = markdown(result.remedy)
        yield f"| {_MARKS[result.outcome]} {result.outcome} | {' | '.join(cells)} | {remedy} |"


def _within(lines: Iterable[str], budget: int) -> list[str]:
    """As many lines as fit, and how many did not."""
    kept: list[str] = []
    every = list(lines)
    budget -= 100  # for the line that says what is missing
    for number, line in enumerate(every):
        budget -= _size(line) + 1
        if budget < 0:
            return [*kept, f"\n{len(every) - number} more are in the reports."]
        kept.append(line)
    return kept


def _foot(record: StageRecord) -> Iterator[str]:
    counts = ", ".join(f"{n} {name}" for name, n in count(record.results).items() if n)
    yield counts or "Nothing was verified."
    for note in record.notes[:20]:
        yield f"\n> {markdown(note)}"


def _size(text: str) -> int:
    return len(text.encode())
