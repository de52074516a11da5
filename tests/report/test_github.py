"""The step summary and the annotations of GitHub Actions."""

from __future__ import annotations

from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from pytest_chefrelease.report.github import (
    ANNOTATIONS,
    SUMMARY_LIMIT,
    append_summary,
    markdown,
    step_summary,
    workflow_commands,
)
from pytest_chefrelease.runbook.evidence import Fact, Scalar
from pytest_chefrelease.runbook.item import Severity
from pytest_chefrelease.runbook.outcome import Outcome
from tests.report import samples


def rendered(text: str) -> str:
    page: str = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(text)
    return page


def test_the_summary_starts_with_the_verdict() -> None:
    text = step_summary(samples.every_outcome())

    assert text.startswith("## 🛑 NO-GO · postrelease of v1.5.0")
    assert "To make it GO" in text


def test_the_summary_has_board_response_and_troubles() -> None:
    page = rendered(step_summary(samples.every_outcome()))

    assert page.count("<table>") == 2
    assert "<td>Smoke tests pass</td>\n<td>✅ passed</td>" in page
    assert samples.every_outcome().response.commands[0] in page
    assert "<td>❌ failed</td>\n<td>latency.p95[GET /orders]</td>" in page
    assert "health.endpoint" not in page


def test_a_go_has_no_troubles() -> None:
    text = step_summary(samples.all_well())

    assert text.startswith("## ✅ GO")
    assert "Not passed" not in text


def test_outside_text_formats_nothing() -> None:
    page = rendered(step_summary(samples.hostile()))

    for markup in ("<script", "<img", "<a ", "<h1", 'href="'):
        assert markup not in page
    assert page.count("<table>") == 2


@pytest.mark.parametrize("text", samples.HOSTILE)
def test_escaped_text_reads_as_it_was(text: str) -> None:
    page = rendered(markdown(text))

    assert page.startswith("<p>")
    assert "<em>" not in page
    assert "<code>" not in page


def test_a_command_with_backticks_stays_in_its_fence() -> None:
    record = samples.every_outcome()
    response = replace(record.response, commands=("echo ```` `x`", "```", "# <script>"))

    page = rendered(step_summary(replace(record, response=response)))

    assert page.count("<pre>") == 1
    assert "echo ```` `x`\n```\n# &lt;script&gt;" in page


def test_a_huge_run_fits_and_says_what_is_missing() -> None:
    of = samples.item("smoke.endpoint")
    record = samples.record_of(
        tuple(
            samples.result(of, Outcome.FAILED, "ö" * 500, parameter=f"/{n}") for n in range(3_000)
        )
    )

    text = step_summary(record)

    assert len(text.encode()) < SUMMARY_LIMIT
    assert "more are in the reports." in text
    assert "3000 failed" in text


def test_the_summary_is_added_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n")

    append_summary(path, samples.all_well())

    assert path.read_text() == "before\n" + step_summary(samples.all_well())


def test_what_blocks_is_an_error_and_what_warns_a_warning() -> None:
    lines = workflow_commands(samples.every_outcome()).splitlines()

    assert [line.split(" ")[0] for line in lines] == [
        *("::error", "::warning", "::warning", "::notice"),
    ]
    assert lines[0] == (
        "::error title=latency.p95[GET /orders] failed::"
        "P95 612 ms over 500 ms on GET /orders (300 requests, 41 over)%0AMend latency.p95."
    )


def test_a_go_annotates_nothing() -> None:
    assert workflow_commands(samples.all_well()) == ""


def test_outside_text_commands_nothing() -> None:
    text = workflow_commands(samples.hostile())

    assert all(
        line.startswith(("::error title=", "::warning title=")) for line in text.splitlines()
    )
    assert "%0A: :error file=a.py::forged" in text
    assert text.count("\n") == len(text.splitlines())


def test_there_are_at_most_ten_of_a_kind() -> None:
    lines = workflow_commands(samples.many(5_000)).splitlines()

    assert len(lines) == ANNOTATIONS
    assert lines[-1].startswith("::error title=and 41 more::")


def test_a_finding_is_annotated_at_its_place() -> None:
    rows: list[dict[str, Scalar]] = [
        {"file": "db/a,b:c.sql", "line": 7, "message": "drops a column", "rule": "ban-drop"}
    ]
    facts: dict[str, Fact] = {"n": 1, "findings": rows}
    of = samples.item("migrations.safe", severity=Severity.P2)
    record = samples.record_of((samples.result(of, Outcome.FAILED, facts=facts),))

    assert workflow_commands(record) == (
        "::error file=db/a%2Cb%3Ac.sql,line=7,title=migrations.safe failed::"
        "drops a column%0AMend migrations.safe.\n"
    )
