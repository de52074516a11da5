"""Sites: what the server process listens for, one port each (applications and doubles)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from pytest_chefrelease.rehearsal.intercept import Json

if TYPE_CHECKING:
    from aiohttp import web

State = TypeVar("State")


class Site(Protocol):
    """One application with its own port.

    ``change`` sets fields of its state by name (as JSON) while it runs, ``reset`` puts them
    back to what they were at the start. Adding one to the server: write it, and name its
    builder in ``doubles/__init__.py`` (or ``server.py`` for ChefCloud's own).
    """

    name: str

    def application(self) -> web.Application:
        """The application; the server installs the site's intercepts in it."""
        ...

    def change(self, fields: Mapping[str, Json]) -> None:
        """Set fields of the state."""
        ...

    def reset(self) -> None:
        """Put the state back to what it was at the start."""
        ...


def changed(state: State, fields: Mapping[str, Json]) -> State:
    """A copy of a state with some fields set, each checked against its type."""
    before = msgspec.to_builtins(state)
    unknown = fields.keys() - before.keys()
    if unknown:
        raise KeyError(f"{type(state).__name__} has no {', '.join(sorted(unknown))}")
    return msgspec.convert({**before, **fields}, type(state))
