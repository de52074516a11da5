"""What a check asks of a secret store, whoever keeps it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from pytest_chefrelease.runbook.secret import Secret


class Stored(Struct, frozen=True):
    """A secret as its store has it.

    ``place`` says where it stands (``JWT_SECRET in .env.production``); ``value`` is None where
    the store never gives values (Fly.io); ``changed_at`` is when the value last changed by the
    store's own record, None where it keeps none.
    """

    name: str
    place: str
    value: Secret | None
    changed_at: datetime | None = None


class SecretStore(Protocol):
    """Reads secrets by name; changes nothing."""

    @property
    def place(self) -> str:
        """The store in words, for messages: ``the environment``, ``Fly.io app x``."""

    @property
    def keeps_dates(self) -> bool:
        """Whether the store records when a value last changed."""

    async def find(self, name: str) -> Stored | None:
        """The secret of that name, or None where the store has none. Raises ProbeErrors."""
