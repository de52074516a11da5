"""Finds the line of a key in a TOML file, for messages about mistakes.

tomllib gives values without positions; the grammar of tree-sitter gives positions. It is
imported only when there is a mistake to report.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tree_sitter import Node

Path = tuple[str | int, ...]


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """The line, from 1, of the key at ``path``, or of its nearest parent that stands there."""
    return nearest_line(lines_of(text), path)


def nearest_line(lines: Mapping[Path, int], path: Sequence[str | int]) -> int | None:
    """The line of ``path``, or of its nearest parent that has one."""
    for end in range(len(path), 0, -1):
        if tuple(path[:end]) in lines:
            return lines[tuple(path[:end])]
    return None


def lines_of(text: str) -> dict[Path, int]:
    """The line, from 1, on which each key first stands."""
    lines: dict[Path, int] = {}
    for path, line in _keys(text):
        lines.setdefault(path, line)
    return lines


def _keys(text: str) -> Iterator[tuple[Path, int]]:
    import tree_sitter_toml
    from tree_sitter import Language, Parser

    tree = Parser(Language(tree_sitter_toml.language())).parse(text.encode())
    array_lengths: dict[Path, int] = {}
    for node in tree.root_node.children:
        if node.type == "pair":
            yield from _pair(node, ())
        elif node.type in ("table", "table_array_element"):
            yield from _table(node, array_lengths)


def _table(node: Node, array_lengths: dict[Path, int]) -> Iterator[tuple[Path, int]]:
    keys = [child for child in node.named_children if child.type.endswith("key")]
    names = _key_parts(keys[0]) if keys else ()
    is_element = node.type == "table_array_element"
    prefix: Path = ()
    for position, name in enumerate(names, start=1):
        prefix = (*prefix, name)
        yield prefix, node.start_point.row + 1
        if is_element and position == len(names):
            array_lengths[prefix] = array_lengths.get(prefix, 0) + 1
        if prefix in array_lengths:  # a table below an array lies in its last element
            prefix = (*prefix, array_lengths[prefix] - 1)
            yield prefix, node.start_point.row + 1
    for child in node.named_children:
        if child.type == "pair":
            yield from _pair(child, prefix)


def _pair(node: Node, prefix: Path) -> Iterator[tuple[Path, int]]:
    key, value = node.named_children[0], node.named_children[-1]
    path = (*prefix, *_key_parts(key))
    for end in range(len(prefix) + 1, len(path) + 1):
        yield path[:end], node.start_point.row + 1
    yield from _value(value, path)


def _value(value: Node, path: Path) -> Iterator[tuple[Path, int]]:
    if value.type == "inline_table":
        for child in value.named_children:
            if child.type == "pair":
                yield from _pair(child, path)
    elif value.type == "array":
        elements = [child for child in value.named_children if child.type != "comment"]
        for index, element in enumerate(elements):
            yield (*path, index), element.start_point.row + 1
            yield from _value(element, (*path, index))


def _key_parts(key: Node) -> Path:
    """A key's parts; quoted ones are unquoted by tomllib itself."""
    text = (key.text or b"").decode()
    table: object = tomllib.loads(f"{text} = 0")
    parts: list[str] = []
    while isinstance(table, dict):
        name, table = next(iter(table.items()))
        parts.append(name)
    return tuple(parts)
