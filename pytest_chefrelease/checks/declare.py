"""How an item and the function that verifies it are declared together."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import cache
from types import ModuleType

from msgspec import Struct

from pytest_chefrelease import checks
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Stage
from pytest_chefrelease.settings.model import Settings

Verify = Callable[..., Awaitable[Evidence]]
"""``async def f(look: Context) -> Evidence``, with a second argument ``parameter: str`` for
parametrized items. It returns evidence when the item passes, and raises ``Failed``,
``Unverified`` or ``NotApplicable`` when not; a ``ProbeError`` that it lets through means
unverified."""

Parameters = Callable[[Settings, Stage], Sequence[str]]
"""The parameters of an item, from settings alone: collection touches no network."""


class Check(Struct, frozen=True):
    """An item, the function that verifies it, and the parameters it is run with."""

    item: Item
    verify: Verify
    parameters: Parameters | None = None

    def parameters_for(self, settings: Settings, stage: Stage) -> tuple[str | None, ...]:
        """One entry per test; ``(None,)`` for an item that takes no parameter, or has none."""
        if self.parameters is None:
            return (None,)
        return tuple(self.parameters(settings, stage)) or (None,)


def check(item: Item, *, each: Parameters | None = None) -> Callable[[Verify], Check]:
    """Declare ``item`` as verified by the decorated function, once per parameter of ``each``."""

    def declare(verify: Verify) -> Check:
        return Check(item, verify, each)

    return declare


def catalogue() -> Mapping[str, Check]:
    """Every declared check by its item's id, in the order of rooms and declarations.

    A team's own follow (see ``own``).
    """
    return _catalogue()


def declared_as(item_id: str) -> Check | None:
    """The check of an item, None where nobody declares it.

    For a run of few items: while the first part of the id leads to a room that declares it, no
    other room is imported.
    """
    return _in_room(item_id.partition(".")[0]).get(item_id) or catalogue().get(item_id)


def take(declared: Check) -> None:
    """Add a check to the catalogue. Raises ValueError for a second declaration of its id."""
    _add(_catalogue(), declared)


def checks_in(module: ModuleType) -> Iterator[Check]:
    """The checks that a module declares, or imports."""
    return (value for value in vars(module).values() if isinstance(value, Check))


@cache
def _catalogue() -> dict[str, Check]:
    found: dict[str, Check] = {}
    for declared in _declared():
        _add(found, declared)
    return found


@cache
def _in_room(room: str) -> Mapping[str, Check]:
    if room not in {module.name for module in pkgutil.iter_modules(checks.__path__)}:
        return {}
    module = importlib.import_module(f"{checks.__name__}.{room}")
    return {declared.item.id: declared for declared in checks_in(module)}


def _add(known: dict[str, Check], declared: Check) -> None:
    # A room may import another's check; two declarations of one id are a mistake.
    if known.setdefault(declared.item.id, declared) is not declared:
        raise ValueError(f"item {declared.item.id} is declared twice")


def _declared() -> Iterator[Check]:
    for module in pkgutil.iter_modules(checks.__path__, checks.__name__ + "."):
        yield from checks_in(importlib.import_module(module.name))
