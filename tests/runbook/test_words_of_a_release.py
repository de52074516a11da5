"""What commits and release notes say is read in one pass, whatever their authors wrote."""

from __future__ import annotations

import time

import pytest

from pytest_chefrelease.runbook.commits import Commit
from pytest_chefrelease.runbook.release_notes import notes_for, whole

LIMIT_S = 1.0
"""Of the processor's time; each of these takes a thousandth of it."""

NOTES = {
    "dashes": "# a\n" + "-" * 20_000 + "q",
    "dashes below": "-" * 20_000 + "\n" + "-" * 20_000 + "q",
    "item": "# a\n-" + " " * 20_000 + "q",
    "spaces": "# " + " " * 20_000 + "\n" + "# x" + " " * 20_000 + "\v",
    "marks": "# " + "#" * 20_000 + "x\n" + "# " + "a #" * 10_000,
    "words": "# a\nnone" + "!" * 20_000 + "a",
    "versions": "# 1.2.3-" + "a." * 20_000 + "\n# " + "1." * 20_000,
}
BODIES = {
    "spaces": "Co-authored-by:" + " " * 20_000 + "x",
    "brackets": "Co-authored-by: a <" + ">" * 20_000,
    "lines": "Co-authored-by: a <b>" + "\n" * 20_000 + "x",
    "many": "Co-authored-by: a <" * 5_000,
}


@pytest.mark.parametrize("text", NOTES.values(), ids=NOTES)
def test_no_notes_take_long(text: str) -> None:
    begin = time.process_time()

    assert not whole(text).announces_breaking_changes
    assert notes_for(text, "1.5.0") is None
    assert whole(text).is_empty in (True, False)

    assert time.process_time() - begin < LIMIT_S


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_message_takes_long(body: str) -> None:
    commit = Commit("a" * 40, (), "Ann", "ann@shop.example", "fix(" * 20_000, body)
    begin = time.process_time()

    assert commit.writers >= {"ann@shop.example"}
    assert not commit.is_breaking

    assert time.process_time() - begin < LIMIT_S


@pytest.mark.parametrize(
    ("line", "title"),
    [
        *(("# 1.5.0", "1.5.0"), ("##  1.5.0  ##  ", "1.5.0"), ("# [1.5.0] #x", "[1.5.0] #x")),
        *(("1.5.0 \n=====", "1.5.0"), ("[1.5.0]\n--- ", "[1.5.0]")),
    ],
)
def test_a_heading_is_read_without_its_marks(line: str, title: str) -> None:
    notes = notes_for(f"{line}\n\nAdded: channels.\n", "1.5.0")

    assert notes is not None
    assert notes.parts[0].title == title
    assert not notes.is_empty


@pytest.mark.parametrize("text", ["None.", "- none", "n/a", "-", "---", "* No!", "", "- -"])
def test_a_word_for_nothing_says_nothing(text: str) -> None:
    assert whole(f"# Breaking\n{text}\n").is_empty


def test_all_writers_of_a_commit_are_known() -> None:
    body = "Text\n\nCo-authored-by: Bob <Bob@Shop.example>\nco-authored-by: <c@shop.example> \r\n"

    commit = Commit("a" * 40, (), "Ann", "ann@shop.example", "fix: x", body)

    assert commit.writers == {"ann@shop.example", "bob@shop.example", "c@shop.example"}
