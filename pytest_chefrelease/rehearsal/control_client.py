"""The other end of the control endpoint: tells the server process what to change."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.rehearsal.intercept import Intercept, Json

_TIME_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class ControlClient:
    """Speaks to one server process; each call returns when the change holds."""

    url: str
    token: str = field(repr=False)

    def intercept(self, rule: Intercept) -> None:
        """Add a rule for requests of one site."""
        self._send("POST", "/intercepts", rule.document())

    def change(self, site: str, fields: Mapping[str, Json]) -> None:
        """Set fields of a site's state."""
        self._send("PATCH", f"/sites/{site}", dict(fields))

    def refuse(self, site: str) -> None:
        """Let a site's port refuse connections."""
        self._send("POST", f"/sites/{site}/refuse", None)

    def reset(self) -> None:
        """Let all sites be as at the start."""
        self._send("POST", "/reset", None)

    def _send(self, method: str, path: str, document: Json) -> None:
        request = urllib.request.Request(  # noqa: S310 - our own server's address
            self.url + path,
            data=json.dumps(document).encode(),
            method=method,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        # Proxies of the environment have no business with loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            opener.open(request, timeout=_TIME_LIMIT_S).close()
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise Malformed(f"{method} {path}: {said}", where="the rehearsal's control") from None
