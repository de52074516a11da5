"""Render's API, as far as a release gate reads it.

Source: Render's API document, with what recorded answers of the real service correct in it: a
deploy's commit is null for image services, and finishedAt while it runs.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.http import Answer, HttpProbe
from pytest_chefrelease.probes.providers.vendor_api import VendorApi
from pytest_chefrelease.probes.vendor_answers import Moment

API_URL = "https://api.render.com/v1"
TOKEN_NAME = "RENDER_API_KEY"  # noqa: S105 (a variable's name)
VENDOR = "Render"
_DEPLOYS = 50

Document = TypeVar("Document")


class EnvVar(msgspec.Struct):
    """An environment variable with its value."""

    key: str
    value: str


class Autoscaling(msgspec.Struct):
    """How a service is scaled by itself."""

    enabled: bool = False
    min: int = 1


class Details(msgspec.Struct, rename="camel"):
    """What a service of its type has; a static site has no instances."""

    num_instances: int | None = None
    autoscaling: Autoscaling | None = None


class Service(msgspec.Struct, rename="camel"):
    """A service."""

    id: str
    name: str
    type: str
    suspended: str
    service_details: Details


class Commit(msgspec.Struct):
    """The commit that was built."""

    id: str = ""


class Image(msgspec.Struct):
    """The image that was taken, and what it was resolved to."""

    ref: str = ""
    sha: str = ""


class Deploy(msgspec.Struct, rename="camel"):
    """A deploy of a service, in one of Render's eleven states."""

    id: str
    status: str = ""
    commit: Commit | None = None
    image: Image | None = None
    created_at: Moment | None = None
    finished_at: Moment | None = None


class _DeployRow(msgspec.Struct):
    deploy: Deploy


class Instance(msgspec.Struct, rename="camel"):
    """A running instance: its health is not told."""

    id: str
    created_at: Moment


class Reason(msgspec.Struct):
    """Why an instance failed."""

    evicted: bool = False


class EventDetails(msgspec.Struct):
    """What an event was about, as far as it matters here."""

    instance: str = msgspec.field(name="instanceID", default="")
    reason: Reason = msgspec.field(default_factory=Reason)


class Event(msgspec.Struct):
    """Something that happened to a service."""

    type: str
    timestamp: Moment
    details: EventDetails = msgspec.field(default_factory=EventDetails)


class _EventRow(msgspec.Struct):
    event: Event


class Recovery(msgspec.Struct, rename="camel"):
    """Whether a database can be brought back to a point in time, and from when on."""

    recovery_status: str
    starts_at: Moment | None = None


class RenderApi(Struct, frozen=True):
    """Reads services by their id (``srv-…``)."""

    api: VendorApi

    @classmethod
    def at(
        cls,
        http: HttpProbe,
        token: str,
        *,
        api_url: str | None = None,
        token_name: str = TOKEN_NAME,
    ) -> RenderApi:
        """The API at its public address unless another is given."""
        return cls(VendorApi(http, VENDOR, api_url or API_URL, token, token_name))

    async def env_var(self, service: str, name: str) -> EnvVar | None:
        """A variable of the service, or None where it has none of that name."""
        answer = await self._get(service, f"/env-vars/{quote(name, safe='')}")
        if answer.status == 404:
            # A service that is not there has no variables either: tell the two apart.
            self._demand_known(await self._get(service, ""), service)
            return None
        return self.api.read(answer, EnvVar)

    async def service(self, service: str) -> Service:
        """The service. Raises ProbeErrors, NotConfigured where there is none."""
        return await self._read(service, "", Service)

    async def deploys(self, service: str) -> list[Deploy]:
        """The service's newest deploys, newest first."""
        rows = await self._read(service, f"/deploys?limit={_DEPLOYS}", list[_DeployRow])
        return [row.deploy for row in rows]

    async def instances(self, service: str) -> list[Instance]:
        """The service's running instances."""
        return await self._read(service, "/instances", list[Instance])

    async def events(self, service: str, kind: str, since: datetime) -> list[Event]:
        """Events of one kind since a time, at most a hundred."""
        asked = urlencode({"type": kind, "startTime": since.isoformat(), "limit": 100})
        rows = await self._read(service, f"/events?{asked}", list[_EventRow])
        return [row.event for row in rows]

    async def recovery(self, database: str) -> Recovery:
        """The recovery of a database by its id (``dpg-…``). Raises ProbeErrors."""
        answer = await self.api.get(f"/postgres/{quote(database, safe='')}/recovery")
        if answer.status == 404:
            raise NotConfigured(
                f"{VENDOR} knows no database {database}",
                where=answer.url,
                remedy="Name the database by its id (dpg-…) in backup.automatic.",
            )
        return self.api.read(answer, Recovery)

    async def _read(self, service: str, path: str, kind: type[Document]) -> Document:
        answer = await self._get(service, path)
        self._demand_known(answer, service)
        return self.api.read(answer, kind)

    async def _get(self, service: str, path: str) -> Answer:
        return await self.api.get(f"/services/{quote(service, safe='')}{path}")

    def _demand_known(self, answer: Answer, service: str) -> None:
        if answer.status == 404:
            raise NotConfigured(
                f"{VENDOR} knows no service {service}",
                where=answer.url,
                remedy="Name the service by its id (srv-…), in provider.app or secrets.source.",
            )
