"""The release.toml that ``chefrelease init`` writes, and what it would add to one that is there."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

from pytest_chefrelease.scaffold.examples import EXAMPLES, WAIVER
from pytest_chefrelease.scaffold.suggestion import Suggestion
from pytest_chefrelease.scaffold.toml_text import document
from pytest_chefrelease.settings.files import Raw
from pytest_chefrelease.settings.load import validate

_HEAD = """\
# What pytest-chefrelease verifies: pytest -m prerelease, -m postrelease, -m monitoring.
# Written by `chefrelease init` from what this repository holds; each line says from where.
# Lines that begin with # are examples. Secrets never stand here: only names of variables do.
# `chefrelease doctor` shows what is still missing.

"""


def release_toml(suggested: Sequence[Suggestion]) -> str:
    """The whole file. Raises SettingsError where it would not be valid: never, by its making."""
    known = {each.path for each in suggested}
    more = [each for each in EXAMPLES if each.path not in known and not _is_told(each, suggested)]
    text = _HEAD + document(_in_order([*suggested, *more])) + "\n" + WAIVER
    validate(tomllib.loads(text))
    return text


def additions(suggested: Sequence[Suggestion], existing: Raw) -> tuple[Suggestion, ...]:
    """What is suggested and not set, whatever the value that is set."""
    return tuple(e for e in suggested if not e.is_example and not _is_set(e.path, existing))


def _is_told(example: Suggestion, suggested: Sequence[Suggestion]) -> bool:
    """Names of one's own need no example."""
    own_names = (("secrets", "required"), ("ci", "commands"), ("env",))
    return example.table in own_names and any(
        each.table == example.table and not each.is_example for each in suggested
    )


def _is_set(path: tuple[str, ...], existing: Raw) -> bool:
    table: object = existing
    for part in path:
        if not isinstance(table, dict) or part not in table:
            return False
        table = table[part]
    return True


def _in_order(suggestions: Sequence[Suggestion]) -> list[Suggestion]:
    """By the order of tables among the examples; others before what people decide at the end."""
    order = {table: n for n, table in enumerate(dict.fromkeys(e.table for e in EXAMPLES))}
    near: dict[tuple[str, ...], tuple[str, ...]] = {
        **dict.fromkeys([("smoke",), ("preflight",), ("routes",)], ("login",)),
        ("environment_matrix",): ("env",),
        ("sentry",): ("logs",),
    }
    return sorted(suggestions, key=lambda e: order[near.get(e.table, e.table)])
