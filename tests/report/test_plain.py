"""Outside text is made harmless before it is shown."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_chefrelease.report.plain import one_line, plain, shorten


@pytest.mark.parametrize(
    ("text", "is_shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;https://evil.example\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title\x1b\\text", "text"),
        ("\x1bP1$r0m\x1b\\text", "text"),
        ("\x9b2Jgone", "gone"),
        ("a\x07\x08b\x00\x7f", "ab"),
        ("gnp\u202eexe", "gnpexe"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("tab\there", "tab\there"),
        ("größer, 数字, 🚀", "größer, 数字, 🚀"),
        ("a\ud800b\uffff", "ab"),
        ("\x1b", ""),
    ],
)
def test_what_steers_a_terminal_is_taken_out(text: str, is_shown: str) -> None:
    assert plain(text) == is_shown


@given(st.text(st.characters()))
def test_what_remains_is_legal_in_xml_and_utf8(text: str) -> None:
    safe = plain(text)

    assert ET.fromstring(f"<a>{escape(safe)}</a>").text in (safe, None)
    assert safe.encode().decode() == safe
    assert "\x1b" not in safe


def test_one_line_is_one_line() -> None:
    assert one_line(" a\n\n b\t c ") == "a b c"
    assert one_line("x" * 500, 100) == "x" * 99 + "…"


def test_a_short_text_is_not_shortened() -> None:
    assert shorten("abc", 3) == "abc"
