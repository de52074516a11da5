"""Writes the runbook's text as the markup that reports carry.

Run as ``python -m scripts.runbook_page`` when ``runbook.md`` has changed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from pytest_chefrelease.runbook.item import Section

if TYPE_CHECKING:
    from markdown_it.token import Token

FOLDER = Path(__file__).parents[1] / "pytest_chefrelease" / "report" / "html"
_NUMBER = re.compile(r"^\d+\. ")
_TO_FILES = re.compile(r'<a href="\.[^"]*">(.*?)</a>')


def render(source: str) -> str:
    """The runbook as markup: headings one level deeper, sections with the anchors of items."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(source)
    free = {section.value: section.anchor for section in Section}
    kept: list[Token] = []
    for index, token in enumerate(tokens):
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"
        if token.type == "heading_open":
            anchor = free.pop(_name(tokens[index + 1].content), None)
            if anchor:
                token.attrSet("id", anchor)
        if token.type == "th_open":
            token.attrSet("scope", "col")
        kept.append(token)
    markup: str = markdown.renderer.render(_without_title(kept), markdown.options, {})
    # Its links lead to files of the product's repository, which a report does not have.
    return _TO_FILES.sub(r"\1", markup.replace("[ ] ", "☐ "))


def _name(heading: str) -> str:
    return _NUMBER.sub("", heading).removesuffix(" (Recommended)")


def _without_title(tokens: list[Token]) -> list[Token]:
    """The page has its own title; rules between sections are its style's business."""
    return [token for token in tokens[3:] if token.type != "hr"]


if __name__ == "__main__":
    text = render((FOLDER / "runbook.md").read_text())
    (FOLDER / "runbook.html").write_text(text)
