"""Prometheus' Alertmanager, as far as a release gate reads it.

Source: Alertmanager's API v2 (its OpenAPI document): ``GET /alerts``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

import msgspec

from pytest_chefrelease.errors import Malformed, NotConfigured
from pytest_chefrelease.probes.http import HttpProbe
from pytest_chefrelease.probes.vendor_answers import Moment, malformed, refuse

VENDOR = "Alertmanager"
_BODY_BYTES = 20_000_000


class _Status(msgspec.Struct, rename="camel"):
    state: str
    silenced_by: list[str]
    inhibited_by: list[str]
    muted_by: list[str] = msgspec.field(default_factory=list)


class Alert(msgspec.Struct, rename="camel"):
    """An alert that has not ended; labels and annotations as its rule gives them."""

    labels: dict[str, str]
    annotations: dict[str, str]
    status: _Status
    starts_at: Moment
    fingerprint: str

    @property
    def name(self) -> str:
        """Its rule's name."""
        return self.labels.get("alertname", "an alert without a name")

    @property
    def is_suppressed(self) -> bool:
        """Whether Alertmanager keeps quiet about it."""
        return self.status.state == "suppressed"

    @property
    def why_suppressed(self) -> str:
        """What keeps it quiet: a silence, another alert, or a time."""
        kinds = {
            "silenced": self.status.silenced_by,
            "inhibited": self.status.inhibited_by,
            "muted": self.status.muted_by,
        }
        return " and ".join(f"{kind} by {', '.join(by)}" for kind, by in kinds.items() if by)


@dataclass(frozen=True, slots=True)
class AlertsReading:
    """The alerts of a service, and those of the watchdog where there is one, at a time."""

    alerts: tuple[Alert, ...]
    watchdog: tuple[Alert, ...]
    read_at: datetime


@dataclass(frozen=True, slots=True)
class AlertmanagerApi:
    """An Alertmanager at an address; ``token`` where something before it wants one."""

    http: HttpProbe
    url: str
    token: str | None = field(default=None, repr=False)
    token_name: str = ""

    async def alerts(self, matchers: Sequence[str]) -> list[Alert]:
        """All alerts that have not ended and that every matcher fits. Raises ProbeErrors."""
        query = urlencode([("filter", matcher) for matcher in matchers])
        target = f"{self.url}/api/v2/alerts" + (f"?{query}" if query else "")
        headers = {"accept": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        answer = await self.http.request("GET", target, headers=headers, max_body_bytes=_BODY_BYTES)
        if answer.status == 404:
            raise NotConfigured(
                f"there is no {VENDOR} of version 0.16 or newer",
                expected="its API v2",
                where=answer.url,
                remedy="Correct alerts.url in release.toml (with its route prefix).",
            )
        if answer.status == 400:
            raise Malformed(
                f"{VENDOR} does not take the matchers: {answer.excerpt(120)}",
                where=answer.url,
                remedy="Correct alerts.matchers in release.toml.",
            )
        refuse(answer, VENDOR, self.token_name or "alerts.token_env (none is set)")
        try:
            return msgspec.convert(answer.json(), list[Alert])
        except msgspec.ValidationError as error:
            raise malformed(answer, VENDOR, error) from None
