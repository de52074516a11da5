"""Writes suggestions as TOML: each value with a comment where it came from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from pytest_chefrelease.scaffold.suggestion import Suggestion, TomlValue

_WIDE = 100


def value_text(value: TomlValue) -> str:
    """A value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, dict):
        pairs = (f"{key_text(key)} = {value_text(inner)}" for key, inner in value.items())
        return f"{{ {', '.join(pairs)} }}"
    # A JSON string is a TOML string, but for one control character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def key_text(key: str) -> str:
    """A key, in quotes where it needs them."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else value_text(key)


def document(suggestions: Sequence[Suggestion]) -> str:
    """Tables in the order of their first suggestion; a table of examples alone is a comment."""
    tables: dict[tuple[str, ...], list[Suggestion]] = {}
    for each in suggestions:
        tables.setdefault(each.table, []).append(each)
    return "\n\n".join("\n".join(_table(name, members)) for name, members in tables.items()) + "\n"


def _table(name: tuple[str, ...], members: Sequence[Suggestion]) -> Iterator[str]:
    is_comment = all(each.is_example for each in members)
    yield f"{'# ' * is_comment}[{'.'.join(map(key_text, name))}]"
    # What is set comes first: a reader sees what holds before what may be.
    for each in sorted(members, key=lambda each: each.is_example):
        yield from _line(each)


def _line(each: Suggestion) -> Iterator[str]:
    setting = f"{'# ' * each.is_example}{key_text(each.key)} = {value_text(each.value)}"
    comment = f"# {_shown(each.source)}"
    if each.is_example or len(setting) + len(comment) + 2 <= _WIDE:
        yield f"{setting:<42}  {comment}"
    else:
        yield comment
        yield setting


def _shown(text: str) -> str:
    """Names of files may hold anything; a comment ends with its line."""
    return "".join(c if c.isprintable() else "?" for c in text)[:200]
