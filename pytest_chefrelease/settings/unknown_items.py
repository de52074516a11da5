"""Finds settings that speak of items which do not exist.

Settings know no checks: the caller brings the ids of the catalogue (``pytest_glue.activation``
does, where both are known).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase

from pytest_chefrelease.settings.known_keys import nearest
from pytest_chefrelease.settings.lines import Path
from pytest_chefrelease.settings.model import Settings
from pytest_chefrelease.settings.places import Origins, Places


def unknown_items(
    settings: Settings, known_ids: Collection[str], places: Places | None = None
) -> list[str]:
    """One line for each item id in settings that is none, with the nearest that is.

    ``[not_applicable]`` takes ids, labels (``secrets.strength[JWT_SECRET]``) and globs,
    waivers take ids and labels, ``[items]`` takes ids.
    """
    places = places or Places(None, Origins())
    wrong = [(key, name) for key, name in _named(settings) if not _exists(key, name, known_ids)]
    wrong.sort(key=lambda pair: places.order(pair[0]))
    return [f"{places.name(key)}: {_sentence(name, known_ids)}" for key, name in wrong]


def names_items(settings: Settings) -> bool:
    """Whether settings speak of any item: else nobody need know the catalogue for them."""
    return any(True for _ in _named(settings))


def _named(settings: Settings) -> Iterator[tuple[Path, str]]:
    for name in settings.not_applicable:
        yield ("not_applicable", name), name
    for index, waiver in enumerate(settings.waivers):
        yield ("waivers", index, "item"), waiver.item
    for name in settings.items:
        yield ("items", name), name


def _exists(key: Path, name: str, known_ids: Collection[str]) -> bool:
    if key[0] == "items":
        return name in known_ids
    item_id = name.partition("[")[0]
    if item_id in known_ids:
        return True
    return key[0] == "not_applicable" and any(fnmatchcase(k, item_id) for k in known_ids)


def _sentence(name: str, known_ids: Collection[str]) -> str:
    near = nearest(name.partition("[")[0], sorted(known_ids))
    if near:
        return f'no such item; did you mean "{near}"?'
    return "no such item; an id that `pytest --collect-only -m STAGE` lists is allowed"
