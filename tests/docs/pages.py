"""The pages of the documents: their blocks, and every command that they show."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
)
PROGRAMS = ("chefrelease", "pytest", "make", "pip", "python", "git", "locust")
_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_SHOWN = re.compile(r"^(?: {4})?((?:chefrelease|pytest) .*?)(?: {3,}.*)?$", re.MULTILINE)
"""A line of output, or an example of a command's help, without what is said beside it."""


@dataclass(frozen=True)
class Typed:
    """A command as it stands in a page: the program without its folder, and the rest."""

    page: str
    text: str
    program: str
    words: tuple[str, ...]


def fences(page: Path) -> list[tuple[str, str]]:
    """Language and text of each block."""
    return [
        (language, text) for _, language, text in _FENCE.findall(page.read_text(encoding="utf-8"))
    ]


def blocks(page: Path, language: str) -> list[str]:
    return [text for name, text in fences(page) if name == language]


def typed() -> list[Typed]:
    """Every command: of shell blocks each line, elsewhere what begins with a program of ours."""
    return [command for page in PAGES for command in _of(page)]


def _of(page: Path) -> Iterator[Typed]:
    name = str(page.relative_to(ROOT))
    for language, text in fences(page):
        if language == "sh":
            for line in text.replace("\\\n", " ").splitlines():
                yield from _command(name, line)
        elif language == "text":
            for line in _SHOWN.findall(text):
                yield from _command(name, line)
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for span in _INLINE.findall(prose):
        first, _, rest = span.partition(" ")
        if Path(first).name in PROGRAMS and rest:
            yield from _command(name, span)


def _command(page: str, line: str) -> Iterator[Typed]:
    words = shlex.split(line.partition(" | ")[0], comments=True)
    if words:
        yield Typed(page, line.strip(), Path(words[0]).name, tuple(words[1:]))
