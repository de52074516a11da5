"""Alertmanager with the alerts of ChefCloud's production, as far as a release gate reads it."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field

from pytest_chefrelease.rehearsal.doubles.double import Double, json_answer
from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.rehearsal.site import Site
from pytest_chefrelease.rehearsal.world import World

if TYPE_CHECKING:
    from aiohttp import web

_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"(.*)"')
_YEAR_S = 365 * 86_400.0

Entry = dict[str, str | list[str]]
"""An alert: name, service, severity, summary, and what silences or inhibits it."""


def alert(name: str, **changes: str | list[str]) -> Entry:
    """A critical alert of the API, with changes."""
    usual: Entry = {
        "name": name,
        "service": "api",
        "severity": "critical",
        "summary": f"{name} on the API",
        "silenced_by": [],
        "inhibited_by": [],
    }
    return usual | changes


WATCHDOG = alert("Watchdog", service="monitoring", severity="none", summary="Alerts arrive")


class State(Struct, frozen=True):
    """The alerts that have not ended."""

    alerts: list[Entry] = field(default_factory=lambda: [WATCHDOG])


def build(_: World) -> Site:
    """The double of the Alertmanager that production's Prometheus tells."""
    return Double("alertmanager", State(), {"/api/v2/alerts": _alerts})


def _alerts(state: State, request: web.Request) -> web.Response:
    matchers = request.query.getall("filter", [])
    wrong = next((each for each in matchers if not _MATCHER.fullmatch(each)), None)
    if wrong is not None:
        return json_answer(f"bad matcher format: {wrong}", status=400)
    listed = [_alert(entry) for entry in state.alerts if _fits(entry, matchers)]
    return json_answer(listed)


def _labels(entry: Entry) -> dict[str, str]:
    named = {"alertname": entry["name"], "service": entry["service"]}
    return {key: str(value) for key, value in (named | {"severity": entry["severity"]}).items()}


def _fits(entry: Entry, matchers: Sequence[str]) -> bool:
    labels = _labels(entry)
    for matcher in matchers:
        found = _MATCHER.fullmatch(matcher)
        if found is not None:
            name, how, wanted = found.groups()
            has = labels.get(name, "")
            is_same = bool(re.fullmatch(wanted, has)) if "~" in how else has == wanted
            if is_same is how.startswith("!"):
                return False
    return True


def _alert(entry: Entry) -> Json:
    is_quiet = bool(entry["silenced_by"] or entry["inhibited_by"])
    return {
        "labels": _labels(entry),
        "annotations": {"summary": str(entry["summary"])},
        "generatorURL": "http://prometheus.chefcloud.example/graph",
        "receivers": [{"name": "on-call"}],
        "fingerprint": hashlib.sha256(str(entry["name"]).encode()).hexdigest()[:16],
        "startsAt": _stamp(-120.0),
        "updatedAt": _stamp(-5.0),
        "endsAt": _stamp(_YEAR_S),
        "status": {
            "state": "suppressed" if is_quiet else "active",
            "silencedBy": entry["silenced_by"],
            "inhibitedBy": entry["inhibited_by"],
            "mutedBy": [],
        },
    }


def _stamp(from_now_s: float) -> str:
    at = datetime.fromtimestamp(time.time() + from_now_s, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
