"""Prisma's text is read for what it says; what it is known to pass over is no disagreement."""

from __future__ import annotations

import pytest

from pytest_chefrelease.runbook.migration_history import Comparison, Finding, Problem, Row
from pytest_chefrelease.runbook.migration_witness import (
    Word,
    disagreement,
    error_in,
    read_word,
)
from tests.runbook.making import NOW

HEAD = 'Datasource "db": PostgreSQL database "chef", schema "public" at "db:5432"\n\n3 migrations\n'
PENDING = f"{HEAD}Following migrations have not yet been applied:\na\nb\n\nTo apply …\n"
DIVERGED = (
    f"{HEAD}Your local migration history and the migrations table from your database are "
    "different:\n\nThe last common migration is: a\n\nThe migration have not yet been applied:\n"
    "c\n\nThe migration from the database are not found locally in prisma/migrations:\nb\n"
)
FAILED = f"{HEAD}Following migration have failed:\na\n\nDuring development …\n"


@pytest.mark.parametrize(
    ("output", "word"),
    [
        (f"{HEAD}\nDatabase schema is up to date!\n", Word("chef")),
        (PENDING, Word("chef", pending=frozenset("ab"))),
        (PENDING.replace("\n", "\r\n"), Word("chef", pending=frozenset("ab"))),
        (DIVERGED, Word("chef", pending=frozenset("c"))),
        (FAILED, Word("chef", failed=frozenset("a"))),
        (f"{HEAD}Error: P1001\n\nCan't reach database server\n", None),
        ("", None),
    ],
    ids=["up to date", "pending", "crlf", "diverged", "failed", "error", "nothing"],
)
def test_a_text_is_an_answer_or_none(output: str, word: Word | None) -> None:
    assert read_word(output) == word


def test_an_error_is_one_line() -> None:
    text = f"{HEAD}Error: P1001\n\nCan't reach database server\nmore\n"

    assert error_in(text) == "P1001 Can't reach database server"


def found(*problems: Problem, failed: bool = False) -> Comparison:
    findings = tuple(Finding(problem, f"of {problem}", "") for problem in problems)
    row = Row("x", "", NOW, None, None, "")
    return Comparison(findings, (), (), (row,) if failed else (), (), is_empty=False)


@pytest.mark.parametrize(
    ("compared", "word"),
    [
        (found(), Word("chef")),
        (found(Problem.EDITED, Problem.NOT_IN_RELEASE, Problem.ROLLED_BACK), Word("chef")),
        (found(Problem.OUT_OF_ORDER), Word("chef")),
        (found(Problem.PENDING), Word("chef", pending=frozenset({"of pending"}))),
        (found(Problem.PENDING, failed=True), Word("chef", pending=frozenset({"of pending"}))),
        (found(failed=True), Word("chef", failed=frozenset("x"))),
        (found(Problem.WRONG_PROVIDER), Word("chef")),
    ],
)
def test_what_prisma_is_known_to_pass_over_is_no_disagreement(
    compared: Comparison, word: Word
) -> None:
    assert disagreement(word, compared) == ""


@pytest.mark.parametrize(
    ("compared", "word", "said"),
    [
        (found(), Word("chef", pending=frozenset("a")), "Prisma says pending: a; the history that"),
        (found(Problem.PENDING), Word("chef"), ("Prisma says up to date; the history that was read"
         " here says pending: of pending")),
        (found(failed=True), Word("chef"), "says failed: x"),
    ],
)  # fmt: skip
def test_any_other_difference_names_both(compared: Comparison, word: Word, said: str) -> None:
    assert said in disagreement(word, compared)
