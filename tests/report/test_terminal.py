"""The verdict block: what a terminal and a CI log say at the end."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from pytest_chefrelease.report.terminal import SHOWN, checklist, verdict_block
from pytest_chefrelease.runbook.item import Item, Section, Severity
from pytest_chefrelease.runbook.outcome import Outcome
from tests.report import samples


def block(width: int = 100) -> str:
    return verdict_block(samples.every_outcome(), width, reports=("reports/postrelease.html",))


def test_the_verdict_is_the_first_word_and_the_last_line() -> None:
    lines = block().splitlines()

    assert lines[0].strip().startswith("NO-GO")
    assert "postrelease of v1.5.0 (3f2a91c) in production" in lines[0]
    assert lines[-1] == "verdict: NO-GO"


def test_it_says_why_and_what_would_make_it_go() -> None:
    assert "latency.p95[GET /orders] failed (P2): P95 612 ms over 500 ms" in block()
    assert "To make it GO: Mend latency.p95." in block()


def test_a_go_asks_for_nothing() -> None:
    text = verdict_block(samples.all_well())

    assert text.startswith(" GO ")
    assert "To make it GO" not in text
    assert text.endswith("verdict: GO\n")


def test_a_failure_is_told_in_four_parts() -> None:
    assert (
        "    seen      P95 612 ms over 500 ms on GET /orders (300 requests, 41 over)\n"
        "    expected  P95 below 500 ms\n"
        "    where     https://api.example/orders\n"
        "    remedy    Mend latency.p95.\n"
    ) in block()


def test_unverified_items_are_told_too_and_passed_ones_are_not() -> None:
    assert "? logs.no-5xx unverified (P2)" in block()
    assert "health.endpoint" not in block()


def test_commands_stand_on_lines_of_their_own_as_they_are_typed() -> None:
    assert "    fly releases --image -a chefcloud-prod-api    # the image of v1.4.2" in (
        block(40).splitlines()
    )


def test_the_board_says_what_found_it_and_how_long_ago() -> None:
    assert re.search(r"✓  8 Smoke tests pass +passed \(postrelease, 90 s ago\)", block())
    assert re.search(r"·  1 CI green \(lint \+ build\) +pending", block())


def test_reports_and_notes_are_named() -> None:
    assert "report: reports/postrelease.html" in block()
    assert "loosened from 400 ms to 500 ms" in block()


def test_a_long_list_is_cut_and_says_how_much() -> None:
    text = verdict_block(samples.many(SHOWN * 100 + 300))

    assert text.count("✗ smoke.endpoint") == SHOWN
    assert "and 3 more failed, all in the reports" in text


@pytest.mark.parametrize("width", [0, 40, 80, 200])
def test_prose_keeps_to_the_width(width: int) -> None:
    prose = [line for line in block(width).splitlines() if not line.startswith("  ")]

    assert max(map(len, prose)) <= max(width, 60)


def test_colour_is_there_only_when_asked_for() -> None:
    coloured = verdict_block(samples.every_outcome(), 100, colour=True, reports=())

    assert "\x1b[1;41;97m NO-GO \x1b[0m" in coloured
    assert "\x1b" not in block()
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == verdict_block(samples.every_outcome(), 100)


def test_a_terminal_without_unicode_gets_ascii() -> None:
    text = verdict_block(samples.every_outcome(), unicode=False)

    assert text.isascii()
    assert "x latency.p95[GET /orders] failed" in text


def test_text_from_outside_cannot_steer_the_terminal() -> None:
    text = verdict_block(samples.hostile())

    assert re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text) == []
    assert not any(line.startswith("::") for line in text.splitlines())


def test_a_command_from_outside_stays_on_its_line() -> None:
    record = samples.every_outcome()
    response = replace(record.response, commands=("fly deploy\nverdict: GO",))

    text = verdict_block(replace(record, response=response))

    assert text.count("\nverdict: ") == 1


def test_nothing_at_all_is_said_to_be_nothing() -> None:
    text = verdict_block(samples.record_of(()))

    assert "nothing was verified" in text
    assert text.endswith("verdict: HOLD\n")


def test_the_checklist_goes_by_section_and_gathers_parameters() -> None:
    checks: list[tuple[Item, str | None]] = [
        (samples.item("health.endpoint", Section.MONITORING, title="Health"), None),
        (samples.item("ci.required-checks", Section.CI, title="CI"), "lint"),
        (samples.item("ci.required-checks", Section.CI, title="CI"), "build\x1b[2J"),
        (samples.item("ci.alerts", Section.CI, Severity.P3, title="No alerts", blocking=False), ""),
    ]

    assert checklist(checks) == (
        "CI/CD Verification\n"
        "  [ ] CI (ci.required-checks, P2)\n"
        "        lint, build\n"
        "  [ ] No alerts (ci.alerts, P3, advisory)\n"
        "\n"
        "Monitoring Checklist\n"
        "  [ ] Health (health.endpoint, P2)\n"
    )


def test_an_empty_checklist_says_so() -> None:
    assert checklist([]) == "Nothing to verify.\n"


def test_advisory_failures_stand_behind_blocking_ones() -> None:
    advisory = samples.item("a.first", Section.CI, Severity.P1, blocking=False)
    blocking = samples.item("z.last", Section.CI, Severity.P3)
    record = samples.record_of(
        (samples.result(advisory, Outcome.FAILED), samples.result(blocking, Outcome.FAILED))
    )

    text = verdict_block(record)

    assert text.index("✗ z.last") < text.index("✗ a.first failed (P1, advisory)")
