"""Squawk's syntax tree, read from the text that ``squawk --debug=parse`` prints.

One node on a line, indented by two spaces for each level: ``DROP_TABLE@22..35``; leaves have
their text behind it. Places count bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import Struct

_NODE = re.compile(r"^(?P<indent> *)(?P<kind>[A-Z_0-9]+)@(?P<start>\d+)\.\.(?P<end>\d+)")


class Node(Struct, frozen=True):
    """A part of a script: what it is, from which byte to which, and its own parts."""

    kind: str
    start: int
    end: int
    parts: tuple[Node, ...] = ()

    def within(self) -> Iterator[Node]:
        """Itself and everything in it, in order."""
        yield self
        for part in self.parts:
            yield from part.within()

    def all(self, *kinds: str) -> list[Node]:
        """Everything of these kinds in it."""
        return [node for node in self.within() if node.kind in kinds]

    def has(self, *kinds: str) -> bool:
        """Whether there is anything of these kinds in it."""
        return any(node.kind in kinds for node in self.within())

    def covers(self, place: int) -> bool:
        """Whether a byte lies in it."""
        return self.start <= place < self.end


@dataclass(slots=True)
class _Open:
    """A node that may get more parts."""

    depth: int
    kind: str
    start: int
    end: int
    parts: list[Node] = field(default_factory=list)

    def closed(self) -> Node:
        return Node(self.kind, self.start, self.end, tuple(self.parts))


def parse(text: str) -> Node:
    """The root of a printed tree; white space and what follows the tree are left out."""
    stack: list[_Open] = []
    for line in text.splitlines():
        found = _NODE.match(line)
        if found is None or (stack and not found["indent"]):
            break
        if found["kind"] in ("WHITESPACE", "COMMENT"):
            continue
        depth = len(found["indent"]) // 2
        while stack and stack[-1].depth >= depth:
            _close_last(stack)
        stack.append(_Open(depth, found["kind"], int(found["start"]), int(found["end"])))
    while len(stack) > 1:
        _close_last(stack)
    return stack[0].closed() if stack else Node("SOURCE_FILE", 0, 0)


def _close_last(stack: list[_Open]) -> None:
    closed = stack.pop().closed()
    stack[-1].parts.append(closed)
