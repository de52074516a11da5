"""Text from outside, made harmless and short for the places that show it."""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, SOS, PM, APC: titles, links
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]"
)
# C0, DEL and C1 controls, marks that turn the direction of writing, lone surrogates,
# non-characters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
# "##[add-path]", "##vso[task.setvariable]", "##teamcity[…]" are obeyed by CI's agents wherever
# they stand in a line, "::add-mask::" at its begin; GitLab and Jenkins publish the file that
# "[[ATTACHMENT|" names.
_COMMAND = re.compile(r"(?m)#(?=#\w*\[)|^[^\S\n]*:(?=:[a-z][\w-]*(?:\s|::))|\[(?=\[ATTACHMENT\|)")
_BLANK = re.compile(r"\s+")


def plain(text: str) -> str:
    """The text without terminal sequences and characters that no report may hold.

    What remains is legal in XML 1.0 and UTF-8; every line end is a line feed. Commands to CI's
    agents (``##[…]``, ``##vso[…]``, ``::…::``) are broken by a space.
    """
    if not (text.isascii() and text.isprintable()):
        text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
        text = _UNSEEN.sub("", text)
    return _COMMAND.sub(r"\g<0> ", text)


def one_line(text: str, limit: int = 400) -> str:
    """The text on one line of at most ``limit`` characters."""
    return shorten(_BLANK.sub(" ", plain(text)).strip(), limit)


def shorten(text: str, limit: int) -> str:
    """The text's first ``limit`` characters, the last of them an ellipsis where it was longer."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
