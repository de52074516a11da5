"""Turns what validation found into lines for people, in the order of the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from pytest_chefrelease.settings.known_keys import known_keys, nearest
from pytest_chefrelease.settings.lines import Path
from pytest_chefrelease.settings.places import Places
from pytest_chefrelease.settings.wording import sentence

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


@dataclass(frozen=True, slots=True)
class _Found:
    """One mistake: its key as the user wrote it, and the union it lies in, if any.

    ``union`` is the key of a value that may be of several kinds, ``member`` names the kind
    that this mistake is about.
    """

    key: Path
    detail: ErrorDetails
    union: Path | None
    member: str


def describe(
    details: Iterable[ErrorDetails], data: Mapping[str, object], places: Places
) -> list[str]:
    """One line for each mistake: ``release.toml:LINE: key: what is wrong; what is allowed``."""
    found = _without_other_kinds([_locate(detail, data) for detail in details])
    found.sort(key=lambda f: (places.order(f.key), _sortable(f.key)))
    lines = []
    for key, same in groupby(found, key=lambda f: f.key):
        lines += [f"{places.name(key)}: {text}" for text in _sentences(key, list(same), data)]
    return list(dict.fromkeys(lines))


def _sentences(key: Path, found: list[_Found], data: Mapping[str, object]) -> list[str]:
    if found[0].detail["type"] == "extra_forbidden":
        return [_unknown_key(key)]
    value, takes_table = _value_at(data, key), bool(known_keys(key))
    details = [f.detail for f in found]
    kinds = [details] if found[0].union == key else [[detail] for detail in details]
    return [sentence(kind, value, takes_table=takes_table) for kind in kinds]


def _unknown_key(key: Path) -> str:
    known = known_keys(key[:-1])
    near = nearest(str(key[-1]), known)
    if near:
        return f'unknown key; did you mean "{near}"?'
    return f"unknown key; known here: {', '.join(known)}"


def _locate(detail: ErrorDetails, data: Mapping[str, object]) -> _Found:
    """Tell the user's own keys from what pydantic puts between to name members of unions."""
    key: Path = ()
    union, member = None, ""
    table: object = data
    is_missing = detail["type"] == "missing"
    for position, part in enumerate(detail["loc"], start=1):
        if _holds(table, part):
            key, table = (*key, part), _step(table, part)
        elif is_missing and position == len(detail["loc"]):
            key = (*key, part)
        elif union is None:
            union, member = key, str(part)
    return _Found(key, detail, union, member)


def _without_other_kinds(found: list[_Found]) -> list[_Found]:
    """Where a value may be of several kinds, keep the kind that it was meant to be.

    That is the one whose mistakes lie deeper inside the value: its outer form fits.
    """
    meant = {f.union: f.member for f in found if f.union is not None and len(f.key) > len(f.union)}
    return [f for f in found if f.union not in meant or f.member == meant[f.union]]


def _holds(table: object, part: str | int) -> bool:
    if isinstance(table, Mapping):
        return part in table
    return isinstance(table, list | tuple) and isinstance(part, int) and part < len(table)


def _step(table: object, part: str | int) -> object:
    """What is at ``part``, or None."""
    if isinstance(table, Mapping):
        return table.get(part)
    if isinstance(table, list | tuple) and isinstance(part, int):
        return table[part]
    return None


def _value_at(data: object, key: Path) -> object:
    for part in key:
        data = _step(data, part)
    return data


def _sortable(key: Path) -> tuple[tuple[bool, int, str], ...]:
    return tuple((True, part, "") if isinstance(part, int) else (False, 0, part) for part in key)
