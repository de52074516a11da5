"""A team's own checks: in modules that settings name, and in packages that are installed.

A module of the user's is named by ``checks.modules``; a package offers its module by the
entry-point group ``chefrelease.checks``. Both declare checks as this room does.
"""

from __future__ import annotations

import importlib
import re
import sys
import traceback
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from pytest_chefrelease.checks.declare import Check, catalogue, checks_in, take
from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.settings.model import Settings
from pytest_chefrelease.settings.places import Places

GROUP = "chefrelease.checks"
_ID = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def include_own(settings: Settings, directory: Path, places: Places) -> None:
    """Take a team's own checks into the catalogue; to do so twice changes nothing.

    ``directory`` is the settings file's: modules are looked for there, after ``sys.path``.
    Raises SettingsError with all mistakes: no such module, no check in it, an id that exists.
    """
    mistakes = []
    for name, place in _named(settings, places):
        try:
            _include(name, directory)
        except _Unusable as error:
            mistakes.append(f"{place}: {error}")
    if mistakes:
        raise SettingsError(mistakes)


class _Unusable(Exception):
    """Why a module cannot be used, in a sentence."""


def _named(settings: Settings, places: Places) -> Iterator[tuple[str, str]]:
    for offered in entry_points(group=GROUP):
        yield offered.module, f"entry point {offered.name} of the group {GROUP}"
    for index, name in enumerate(settings.checks.modules):
        yield name, places.name(("checks", "modules", index))


def _include(name: str, directory: Path) -> None:
    found = list(checks_in(_imported(name, directory)))
    if not found:
        raise _Unusable(f"{name} declares no check; decorate a function with @check(Item(...))")
    for declared in found:
        _demand_an_id_of_its_own(declared)
        take(declared)


def _imported(name: str, directory: Path) -> ModuleType:
    # Behind all else: a folder of the repository must not stand for somebody's library.
    if str(directory) not in sys.path:
        sys.path.append(str(directory))
    try:
        return importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 (a user's module may raise anything)
        if isinstance(error, ModuleNotFoundError) and error.name == name:
            raise _Unusable(f"there is no module {name}, here or installed") from None
        raise _Unusable(f"{name} cannot be imported: {_told(error)}") from None


def _told(error: Exception) -> str:
    """``KeyError: 'X' (release_checks.py line 12)``: the user's own code, so its own words."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name} line {frame.lineno}"
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{Path(error.filename).name} line {error.lineno}"
    return f"{traceback.format_exception_only(error)[-1].strip()} ({place})"


def _demand_an_id_of_its_own(declared: Check) -> None:
    item_id = declared.item.id
    if not _ID.fullmatch(item_id):
        raise _Unusable(f'the id "{item_id}" is none; section.name is, in small letters')
    if catalogue().get(item_id, declared) is not declared:
        raise _Unusable(f'the item "{item_id}" is declared already; choose another id')
