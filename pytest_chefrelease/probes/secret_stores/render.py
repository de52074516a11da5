"""Environment variables of a Render service, with their values; Render keeps no dates of them.

Source: Render's API document, ``GET /services/{serviceId}/env-vars/{envVarKey}``. Variables of
environment groups that are linked to the service are not among them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

import msgspec

from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.http import Answer, HttpProbe
from pytest_chefrelease.probes.secret_stores.store import Stored
from pytest_chefrelease.probes.secret_stores.vendor_answers import malformed, refuse
from pytest_chefrelease.runbook.secret import Secret

API_URL = "https://api.render.com/v1"
TOKEN_NAME = "RENDER_API_KEY"  # noqa: S105 (a variable's name)


class _EnvVar(msgspec.Struct):
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RenderStore:
    """The variables of one service, by its id (``srv-…``)."""

    http: HttpProbe
    service: str
    token: str = field(repr=False)
    api_url: str = API_URL
    token_name: str = TOKEN_NAME
    keeps_dates: bool = False

    @property
    def place(self) -> str:
        """The service."""
        return f"Render service {self.service}"

    async def find(self, name: str) -> Stored | None:
        """The variable's value; None where the service has none of that name."""
        answer = await self._get(f"/env-vars/{quote(name, safe='')}")
        if answer.status == 404:
            await self._demand_service()
            return None
        try:
            found = msgspec.convert(answer.json(), _EnvVar)
        except msgspec.ValidationError as error:
            raise malformed(answer, "Render", error) from None
        return Stored(name, f"{name} in {self.place}", Secret(found.value))

    async def _demand_service(self) -> None:
        """A service that is not there has no variables either: tell the two apart."""
        if (await self._get("")).status == 404:
            raise NotConfigured(
                f"Render knows no service {self.service}",
                remedy="Set secrets.source to render:SERVICE_ID (srv-…).",
            )

    async def _get(self, path: str) -> Answer:
        url = f"{self.api_url}/services/{quote(self.service, safe='')}{path}"
        answer = await self.http.get(url, headers={"authorization": f"Bearer {self.token}"})
        refuse(answer, "Render", self.token_name)
        return answer
