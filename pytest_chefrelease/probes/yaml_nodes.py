"""YAML as nodes with their lines, by PyYAML's safe parser. The library comes in here only.

Nothing is constructed: tags are not followed, and an alias is the same node again, so that a
file that refers to itself many times over costs no more than its length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pytest_chefrelease.errors import Malformed


@dataclass(slots=True)
class YamlNode:
    """A node; ``line`` counts from 1."""

    line: int

    def all_nodes(self) -> Iterator[YamlNode]:
        """This node and all below it, each once."""
        waiting: list[YamlNode] = [self]
        seen: set[int] = set()
        while waiting:
            node = waiting.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            yield node
            waiting += node.children()

    def children(self) -> list[YamlNode]:
        """The nodes right below."""
        return []


@dataclass(slots=True)
class Scalar(YamlNode):
    """A text, number or other plain value, as it is written."""

    text: str = field(repr=False, default="")


@dataclass(slots=True)
class Sequence(YamlNode):
    """A list."""

    items: list[YamlNode] = field(default_factory=list)

    def children(self) -> list[YamlNode]:
        """The items."""
        return self.items


@dataclass(slots=True)
class Mapping(YamlNode):
    """Pairs in the order of the file."""

    pairs: list[tuple[YamlNode, YamlNode]] = field(default_factory=list)

    def get(self, key: str) -> YamlNode | None:
        """The value under a key; the last one where it stands twice."""
        found = None
        for name, value in self.pairs:
            if isinstance(name, Scalar) and name.text == key:
                found = value
        return found

    def children(self) -> list[YamlNode]:
        """The values."""
        return [value for _, value in self.pairs]


def read_yaml(path: str, text: str) -> YamlNode:
    """The document's root. Raises Malformed where it does not parse; ``path`` is for messages."""
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark is not None else "somewhere"
        raise Malformed(f"{path} is not YAML ({place})", where=path) from None
    except RecursionError:
        raise Malformed(f"{path} is nested too deeply", where=path) from None
    return _node(root, {}) if root is not None else YamlNode(1)


def _node(node: object, known: dict[int, YamlNode]) -> YamlNode:
    """Our node for one of PyYAML's; the same one for the same."""
    import yaml

    if id(node) in known:
        return known[id(node)]
    if isinstance(node, yaml.ScalarNode):
        return Scalar(node.start_mark.line + 1, str(node.value))
    if isinstance(node, yaml.SequenceNode):
        items = Sequence(node.start_mark.line + 1)
        known[id(node)] = items
        items.items = [_node(each, known) for each in node.value]
        return items
    if isinstance(node, yaml.MappingNode):
        mapping = Mapping(node.start_mark.line + 1)
        known[id(node)] = mapping
        mapping.pairs = [(_node(key, known), _node(value, known)) for key, value in node.value]
        return mapping
    return YamlNode(1)
