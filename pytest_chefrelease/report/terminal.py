"""The verdict block at the end of a run, and the checklist of what a run would verify."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from msgspec import Struct

from pytest_chefrelease.report.plain import one_line, plain
from pytest_chefrelease.report.readable import age
from pytest_chefrelease.runbook.item import Item, Section, Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result, count
from pytest_chefrelease.runbook.quick_check import Line
from pytest_chefrelease.runbook.record import StageRecord
from pytest_chefrelease.runbook.verdict import Decision
from pytest_chefrelease.runbook.whole import Whole

SHOWN = 10
"""At most so many items of a kind; the reports hold all."""

_MARKS = {
    "passed": "✓",
    "failed": "✗",
    "unverified": "?",
    "not-applicable": "-",
    "waived": "~",
    "shadow": "◦",
    "pending": "·",
}
_COLOURS = {"passed": "32", "failed": "31", "unverified": "33", "waived": "36", "pending": "2"}
_VERDICT_COLOURS = {Decision.GO: "1;42;30", Decision.NO_GO: "1;41;97", Decision.HOLD: "1;43;30"}
_ASCII = str.maketrans({"✓": "+", "✗": "x", "◦": "o", "·": ".", "─": "-", "…": "~"})


class Paper(Struct, frozen=True):
    """How wide and how coloured a block is."""

    width: int
    colour: bool

    def paint(self, text: str, code: str) -> str:
        """The text in a colour, where there are colours."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def wrap(self, text: str, indent: str = "", first: str | None = None) -> list[str]:
        """The text in lines of the paper's width, with an indent, or another for the first."""
        first = indent if first is None else first
        return textwrap.wrap(
            one_line(text, 2_000),
            max(self.width, len(first) + 20),
            initial_indent=first,
            subsequent_indent=indent,
            break_on_hyphens=False,
        ) or [first.rstrip()]


def verdict_block(
    record: StageRecord,
    width: int = 80,
    *,
    colour: bool = False,
    unicode: bool = True,
    reports: Sequence[str] = (),
) -> str:
    """What a terminal shows at the end: the verdict, why, what to do, the board, the reports.

    ``reports`` are the paths of the files that were written. Without ``colour`` the text is
    plain; without ``unicode`` it is ASCII but for words from outside. The last line names
    the verdict, for readers of logs.
    """
    paper = Paper(max(width, 40), colour)
    parts = (
        _head(record, paper),
        _troubles(record, paper),
        _response(record, paper),
        _board(record, paper),
        [line for note in record.notes for line in paper.wrap(f"note: {note}")],
        _foot(record, reports, paper),
    )
    text = "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"
    return text if unicode else text.translate(_ASCII)


def board_block(
    release: str,
    whole: Whole,
    records: Sequence[StageRecord],
    lines: Sequence[Line],
    now: datetime,
    paper: Paper,
) -> str:
    """The ten lines over all stages, with each stage's last verdict; ages are as of ``now``."""
    colour = _VERDICT_COLOURS[whole.decision]
    name = paper.paint(f" {whole.decision} ", colour)
    told = [f"{name} {paper.paint(one_line(release, 200), '1')}", *paper.wrap(whole.sentence), ""]
    told += [_board_line(line, now, paper) for line in lines]
    told.append("")
    for stage in Stage:
        last = next((r for r in records if r.stage is stage), None)
        when = age(last.finished_at.isoformat(), now) if last else ""
        said = f"{last.verdict.decision}, {when}" if last else "not run for this commit"
        told.append(f"  {stage.value:<12} {said}")
    return "\n".join([*told, f"verdict: {whole.decision}"])


def checklist(checks: Iterable[tuple[Item, str | None]], width: int = 80) -> str:
    """What would be verified, as a readable list by runbook section.

    ``checks`` are items with their parameters, in any order.
    """
    order = {section: index for index, section in enumerate(Section)}
    by_item: dict[str, tuple[Item, list[str]]] = {}
    for item, parameter in checks:
        parameters = by_item.setdefault(item.id, (item, []))[1]
        parameters += [plain(parameter)] if parameter else []
    entries = sorted(by_item.values(), key=lambda e: (order[e[0].section], e[0].severity, e[0].id))
    paper = Paper(max(width, 40), colour=False)
    lines: list[str] = []
    for section, members in groupby(entries, key=lambda e: e[0].section):
        lines += ["", section.value]
        for item, parameters in members:
            lines += _checklist_entry(item, parameters, paper)
    return "\n".join(lines[1:]) + "\n" if lines else "Nothing to verify.\n"


def _checklist_entry(item: Item, parameters: Sequence[str], paper: Paper) -> Iterator[str]:
    kind = "" if item.blocking else ", advisory"
    manual = ", signed off by a person" if item.manual else ""
    text = f"{item.title} ({item.id}, {item.severity}{kind}{manual})"
    yield from paper.wrap(text, " " * 6, "  [ ] ")
    if parameters:
        yield from paper.wrap(", ".join(parameters), " " * 8)


def _head(record: StageRecord, paper: Paper) -> list[str]:
    verdict = record.verdict
    name = paper.paint(f" {verdict.decision} ", _VERDICT_COLOURS[verdict.decision])
    what = f"{record.stage} of {one_line(record.release.name, 200)}"
    lines = [f"{name} {paper.paint(what, '1')}", *paper.wrap(verdict.sentence)]
    if verdict.to_go:
        lines += paper.wrap(f"To make it GO: {verdict.to_go}")
    if record.release.problem:
        lines += paper.wrap(record.release.problem)
    return lines


def _troubles(record: StageRecord, paper: Paper) -> list[str]:
    lines: list[str] = []
    for outcome in (Outcome.FAILED, Outcome.UNVERIFIED):
        found = [r for r in record.results if r.outcome is outcome]
        found.sort(key=lambda r: (not r.blocking, r.severity, r.item.id))
        for result in found[:SHOWN]:
            lines += _trouble(result, paper)
        if len(found) > SHOWN:
            lines.append(f"  and {len(found) - SHOWN} more {outcome}, all in the reports")
    return lines


def _trouble(result: Result, paper: Paper) -> Iterator[str]:
    mark = paper.paint(_MARKS[result.outcome], _COLOURS[result.outcome])
    advisory = "" if result.blocking else ", advisory"
    label = one_line(result.label, 200)
    yield f"{mark} {paper.paint(label, '1')} {result.outcome} ({result.severity}{advisory})"
    parts = (
        ("seen", result.seen or result.summary),
        ("expected", result.expected),
        ("where", result.where),
        ("remedy", result.remedy),
    )
    for name, text in parts:
        if text:
            yield from paper.wrap(text, " " * 14, f"    {name:<10}")


def _response(record: StageRecord, paper: Paper) -> list[str]:
    response = record.response
    within = f", within {response.within}" if response.within not in (None, "now") else ""
    now = ", now" if response.within == "now" else ""
    action = response.action.value.replace("-", " ")
    title = f"What to do: {action}{within}{now}"
    lines = [paper.paint(title, "1"), *paper.wrap(response.reason, "  ")]
    return lines + [f"    {_command(command)}" for command in response.commands]


def _command(text: str) -> str:
    """A command to copy, on one line, its own spaces kept."""
    return plain(text).replace("\n", " ")


def _board(record: StageRecord, paper: Paper) -> list[str]:
    return [
        paper.paint("Quick check", "1"),
        *(_board_line(line, record.finished_at, paper) for line in record.quick_check),
    ]


def _board_line(line: Line, now: datetime, paper: Paper) -> str:
    mark = paper.paint(_MARKS.get(line.outcome, "?"), _COLOURS.get(line.outcome, "0"))
    when = f", {age(line.observed_at, now)}" if line.observed_at else ""
    stage = f" ({line.stage}{when})" if line.stage else ""
    return f"  {mark} {line.line:>2} {line.text:<32} {line.outcome}{stage}"


def _foot(record: StageRecord, reports: Sequence[str], paper: Paper) -> list[str]:
    counts = ", ".join(f"{n} {name}" for name, n in count(record.results).items() if n)
    lines = paper.wrap(counts or "nothing was verified")
    lines += [f"report: {path}" for path in reports]
    return [*lines, f"verdict: {record.verdict.decision}"]
