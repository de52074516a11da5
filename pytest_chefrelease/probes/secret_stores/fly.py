"""Secrets of a Fly.io app: names, digests and times, never values."""

from __future__ import annotations

from msgspec import Struct

from pytest_chefrelease.probes.providers.fly_api import FlyApi
from pytest_chefrelease.probes.secret_stores.store import Stored


class FlyStore(Struct, frozen=True):
    """The secrets of one app."""

    api: FlyApi
    app: str
    keeps_dates: bool = True

    @property
    def place(self) -> str:
        """The app."""
        return f"Fly.io app {self.app}"

    async def find(self, name: str) -> Stored | None:
        """The secret's name and when it was last set."""
        for secret in await self.api.secrets(self.app):
            if secret.name == name:
                changed = secret.updated_at or secret.created_at
                return Stored(name, f"{name} in {self.place}", None, changed)
        return None
