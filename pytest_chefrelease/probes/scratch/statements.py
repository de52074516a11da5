"""Cuts a migration's script into its statements.

Source: PostgreSQL's documentation, "Lexical Structure".
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
    --[^\n]*
  | (?P<block>/\*)
  | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
  | [eE]'(?:[^'\\]|\\.|'')*'
  | '(?:[^']|'')*'
  | "(?:[^"]|"")*"
  | (?P<word>[^\W\d][\w$]*)
  | (?P<sign>[;()])
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK = re.compile(r"/\*|\*/")
_OWN_TRANSACTION = re.compile(
    r"\s*(begin|start|commit|rollback|end|abort|savepoint|release)\b", re.IGNORECASE
)


def split(script: str) -> tuple[str, ...] | None:
    """The statements without the comments before them.

    None where the script ends its transactions itself, or has a body of ``BEGIN ATOMIC``: it
    has to be sent as a whole.
    """
    found: list[str] = []
    begin, position, depth = 0, 0, 0
    while token := _TOKEN.search(script, position):
        position = token.end()
        if token["block"]:
            position = _after_block(script, position)
        elif token["dollar"]:
            end = script.find(token["dollar"], position)
            position = len(script) if end < 0 else end + len(token["dollar"])
        elif token["word"] and token["word"].lower() == "atomic":
            return None
        elif token["sign"] == ";" and depth <= 0:
            found.append(script[begin : token.start()])
            begin = position
        elif token["sign"] in ("(", ")"):
            depth += 1 if token["sign"] == "(" else -1
    found.append(script[begin:])
    statements = tuple(text for part in found if (text := _bare(part)))
    return None if any(_OWN_TRANSACTION.match(text) for text in statements) else statements


def _after_block(script: str, position: int) -> int:
    """The end of a comment that began before ``position``; comments nest."""
    depth = 1
    while depth and (mark := _BLOCK.search(script, position)):
        depth += 1 if mark[0] == "/*" else -1
        position = mark.end()
    return len(script) if depth else position


def _bare(text: str) -> str:
    """A statement without blanks and comments around its beginning; nothing where that is all."""
    while True:
        text = text.strip()
        if text.startswith("--"):
            text = text.partition("\n")[2]
        elif text.startswith("/*"):
            text = text[_after_block(text, 2) :]
        else:
            return text
