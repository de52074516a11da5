"""Secrets of a Fly.io app: names, digests and times, never values.

Source: Fly.io's Machines API document, ``GET /apps/{app_name}/secrets``. ``show_secrets`` is
never asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

import msgspec

from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.http import HttpProbe
from pytest_chefrelease.probes.secret_stores.store import Stored
from pytest_chefrelease.probes.secret_stores.vendor_answers import malformed, refuse

API_URL = "https://api.machines.dev/v1"
TOKEN_NAME = "FLY_API_TOKEN"  # noqa: S105 (a variable's name)


class _Secret(msgspec.Struct):
    name: str
    created_at: datetime | None = None
    updated_at: datetime | None = None


class _Secrets(msgspec.Struct):
    secrets: list[_Secret] | None = None


@dataclass(frozen=True, slots=True)
class FlyStore:
    """The secrets of one app; ``token`` may be one that only reads."""

    http: HttpProbe
    app: str
    token: str = field(repr=False)
    api_url: str = API_URL
    token_name: str = TOKEN_NAME
    keeps_dates: bool = True

    @property
    def place(self) -> str:
        """The app."""
        return f"Fly.io app {self.app}"

    async def find(self, name: str) -> Stored | None:
        """The secret's name and when it was last set."""
        url = f"{self.api_url}/apps/{quote(self.app, safe='')}/secrets"
        answer = await self.http.get(url, headers={"authorization": f"Bearer {self.token}"})
        refuse(answer, "Fly.io", self.token_name)
        if answer.status == 404:
            raise NotConfigured(
                f"Fly.io knows no app {self.app}",
                where=answer.url,
                remedy="Correct provider.app, or use a token of that app's organization.",
            )
        try:
            listed = msgspec.convert(answer.json(), _Secrets, strict=False)
        except msgspec.ValidationError as error:
            raise malformed(answer, "Fly.io", error) from None
        for secret in listed.secrets or []:
            if secret.name == name:
                changed = secret.updated_at or secret.created_at
                return Stored(name, f"{name} in {self.place}", None, changed)
        return None
