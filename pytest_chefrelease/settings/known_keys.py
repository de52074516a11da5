"""Which keys a table of release.toml may hold, read from the types of the settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel

from pytest_chefrelease.settings.model import Settings


def nearest(name: str, known: Sequence[str], cutoff: float = 0.6) -> str | None:
    """The known name that ``name`` was probably meant to be."""
    by_fold = {k.casefold(): k for k in known}
    near = get_close_matches(name.casefold()[:200], by_fold, n=1, cutoff=cutoff)
    return by_fold[near[0]] if near else None


def known_keys(parents: Sequence[str | int]) -> list[str]:
    """The keys that the table at ``parents`` may hold, sorted; empty for no table."""
    types: list[object] = [Settings]
    for part in parents:
        types = [inner for outer in types for inner in _inside(outer, part)]
    keys: set[str] = set()
    for table in types:
        if isinstance(table, type) and issubclass(table, BaseModel):
            keys |= {field.alias or name for name, field in table.model_fields.items()}
            shorthand = getattr(table, "shorthand", ())
            keys = (keys - {"method", "path"} if shorthand else keys) | set(shorthand)
    return sorted(keys)


def _inside(outer: object, part: str | int) -> Iterator[object]:
    """The types that the value at ``part`` of a table or list may have."""
    if isinstance(outer, type) and issubclass(outer, BaseModel):
        for name, field in outer.model_fields.items():
            if part in (name, field.alias):
                yield from _members(field.annotation)
    elif get_origin(outer) is dict:
        yield from _members(get_args(outer)[1])
    elif get_origin(outer) is tuple:
        yield from _members(get_args(outer)[0])


def _members(annotation: object) -> Iterator[object]:
    """The types behind ``Annotated`` and unions."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for inner in get_args(annotation):
            yield from _members(inner)
    else:
        yield annotation
