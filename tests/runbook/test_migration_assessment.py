"""The bad-migration protocol's questions, each answer by the evidence that there is for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.migration_assessment import (
    APPLIED,
    CORRUPTED,
    FORWARD,
    SERVING,
    Attempt,
    answers,
    assess,
)
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.runbook.making import NOW, result

EXISTS = 'Database error code: 42P07\n\nDatabase error:\nERROR: relation "orders" already exists\n'
REFUSED = EXISTS.replace("42P07", "23505")
WHOLE = Attempt(REFUSED, statements=3, is_one_piece=True, changes=("line 2, UPDATE orders",))


@pytest.mark.parametrize(
    ("attempt", "applied", "corrupted", "forward"),
    [
        (WHOLE, "none: PostgreSQL undid all 3 together", "no: nothing", "yes: correct the rows"),
        (replace(WHOLE, statements=1), "none: its one statement failed", "no:", "yes:"),
        (
            replace(WHOLE, logs=EXISTS, there=("public.orders",)),
            "none: PostgreSQL undid all 3 together; of its tables public.orders is there",
            "no:",
            "yes: what it makes is there already",
        ),
        (
            replace(WHOLE, there=("public.a",), missing=("public.b",)),
            (
                "not known: what the script makes may be from before, or from this try; of its"
                " tables public.a is there, public.b is not"
            ),
            "not known: it may have changed or removed rows: line 2, UPDATE orders",
            "not known before it is clear what was applied; by its error 23505: correct the rows",
        ),
        (
            replace(WHOLE, is_one_piece=False),
            "not known: the script commits by itself",
            "not known",
            "not known before",
        ),
        (
            replace(WHOLE, is_one_piece=False, changes=()),
            "not known",
            "no: none of its statements changes or removes rows",
            "not known",
        ),
        (
            replace(WHOLE, is_one_piece=False, changes=None),
            "not known",
            "not known: nobody could read",
            "not known",
        ),
        (Attempt(REFUSED), "not known: the release does not hold its script", "not", "not"),
        (
            replace(WHOLE, logs=""),
            "not known: the try has no error in its log, and may still be running",
            "not known",
            "not known: its log has no error code",
        ),
        (
            replace(WHOLE, logs=REFUSED.replace("23505", "P0001")),
            "none",
            "no",
            "not known: PostgreSQL's P0001 may have many causes",
        ),
    ],
)
def test_an_answer_says_no_more_than_the_evidence(
    attempt: Attempt, applied: str, corrupted: str, forward: str
) -> None:
    told = assess(attempt)

    assert told[APPLIED].startswith(applied)
    assert told[CORRUPTED].startswith(corrupted)
    assert told[FORWARD].startswith(forward)


def seen(
    name: str,
    outcome: Outcome,
    summary: str,
    later_s: float = 0,
    facts: dict[str, str] | None = None,
) -> Result:
    at = NOW + timedelta(seconds=later_s)
    evidence = Evidence(summary, "here", at, {"assessment": {**(facts or {})}})
    return replace(result(outcome, name, summary=summary), evidence=evidence)


STATUS = seen("migrations.status", Outcome.FAILED, "x failed", facts=assess(WHOLE))
WELL = seen("health.endpoint", Outcome.PASSED, "status ok")


@pytest.mark.parametrize(
    ("results", "answer"),
    [
        ([], "not known: health was not looked at"),
        ([WELL], "yes: status ok"),
        ([WELL, result(Outcome.FAILED, "smoke.endpoint", parameter="GET /a")],
         "partly: status ok; but smoke.endpoint[GET /a]: as it was seen"),
        ([WELL, seen("health.endpoint", Outcome.FAILED, "503", later_s=60)], "no: 503"),
        ([seen("health.endpoint", Outcome.FAILED, "503", later_s=-60), WELL], "yes: status ok"),
        ([result(Outcome.FAILED, "health.endpoint", summary="refused"), WELL], "no: refused"),
        ([result(Outcome.UNVERIFIED, "health.endpoint", summary="no answer")],
         "not known: no answer"),
    ],
)  # fmt: skip
def test_whether_it_serves_is_the_newest_word_of_health(results: list[Result], answer: str) -> None:
    told = dict(answers([STATUS, *results]))

    assert told[SERVING] == answer
    assert told[APPLIED] == "none: PostgreSQL undid all 3 together"


def test_a_history_that_is_wrong_without_a_failed_migration_is_told_with_its_remedy() -> None:
    told = dict(answers([result(Outcome.FAILED, "migrations.status", summary="x is pending")]))

    assert told[APPLIED].endswith("no migration is recorded as failed; x is pending")
    assert told[FORWARD] == "not known: Mend migrations.status."


def test_without_a_look_at_migrations_there_is_nothing_to_answer() -> None:
    assert answers([WELL]) == ()


def test_an_answer_is_one_line_of_bounded_length() -> None:
    facts = {APPLIED: "a\nb" * 900, CORRUPTED: "no", FORWARD: "yes"}

    told = answers([seen("migrations.status", Outcome.FAILED, "x", facts=facts)])

    assert all("\n" not in answer and len(answer) <= 300 for _, answer in told)
