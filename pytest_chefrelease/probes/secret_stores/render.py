"""Environment variables of a Render service, with their values; Render keeps no dates of them.

Variables of environment groups that are linked to the service are not among them.
"""

from __future__ import annotations

from msgspec import Struct

from pytest_chefrelease.probes.providers.render_api import RenderApi
from pytest_chefrelease.probes.secret_stores.store import Stored
from pytest_chefrelease.runbook.secret import Secret


class RenderStore(Struct, frozen=True):
    """The variables of one service, by its id (``srv-…``)."""

    api: RenderApi
    service: str
    keeps_dates: bool = False

    @property
    def place(self) -> str:
        """The service."""
        return f"Render service {self.service}"

    async def find(self, name: str) -> Stored | None:
        """The variable's value; None where the service has none of that name."""
        found = await self.api.env_var(self.service, name)
        if found is None:
            return None
        return Stored(name, f"{name} in {self.place}", Secret(found.value))
