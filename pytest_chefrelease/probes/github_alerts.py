"""Open alerts of GitHub's secret, code and dependency scanning.

Source: GitHub's API, "List secret scanning alerts", "List code scanning alerts" and "List
Dependabot alerts" for a repository. The secrets themselves are not asked for (hide_secret).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import quote

from msgspec import Struct

from pytest_chefrelease.errors import AccessDenied
from pytest_chefrelease.probes.github import GitHubProbe

_GRAVE = ("critical", "high")


class Alert(Struct, frozen=True):
    """An open alert: which scan found it, how grave it is, what it is, and its page."""

    scan: str
    severity: str
    what: str
    link: str


class Alerts(Struct, frozen=True):
    """Critical and high alerts, and the scans that are off, or not for this token."""

    grave: tuple[Alert, ...]
    read: tuple[str, ...]
    off: tuple[str, ...]
    unreadable: tuple[str, ...]


class _Secret(Struct, frozen=True):
    html_url: str
    secret_type_display_name: str | None = None
    secret_type: str = "a secret"  # noqa: S105 - not one


class _Rule(Struct, frozen=True):
    description: str = ""
    security_severity_level: str | None = None


class _Code(Struct, frozen=True):
    html_url: str
    rule: _Rule


class _Package(Struct, frozen=True):
    ecosystem: str
    name: str


class _Vulnerability(Struct, frozen=True):
    package: _Package
    severity: str


class _Advisory(Struct, frozen=True):
    summary: str


class _Dependency(Struct, frozen=True):
    html_url: str
    security_vulnerability: _Vulnerability
    security_advisory: _Advisory


async def open_alerts(github: GitHubProbe, branch: str) -> Alerts:
    """What the scans of a branch have open, as far as this token may see. Raises ProbeErrors."""
    scans: dict[str, Callable[[GitHubProbe], Awaitable[list[Alert] | None]]] = {
        "secret scanning": _secrets,
        "code scanning": partial(_code, branch=branch),
        "dependency alerts": _dependencies,
    }
    found: dict[str, list[Alert] | None] = {}
    unreadable: list[str] = []
    for scan, ask in scans.items():
        try:
            found[scan] = await ask(github)
        except AccessDenied:
            unreadable.append(scan)
    return Alerts(
        grave=tuple(alert for alerts in found.values() for alert in alerts or ()),
        read=tuple(scan for scan, alerts in found.items() if alerts is not None),
        off=tuple(scan for scan, alerts in found.items() if alerts is None),
        unreadable=tuple(unreadable),
    )


async def _secrets(github: GitHubProbe) -> list[Alert] | None:
    path = "secret-scanning/alerts?state=open&hide_secret=true&per_page=100"
    listed = await github.entries(path, _Secret)
    if listed is None:
        return None
    return [
        Alert("secret scanning", "critical", each.secret_type_display_name or each.secret_type,
              each.html_url)
        for each in listed
    ]  # fmt: skip


async def _code(github: GitHubProbe, branch: str) -> list[Alert] | None:
    ref = quote(f"refs/heads/{branch}", safe="")
    listed = await github.entries(f"code-scanning/alerts?state=open&ref={ref}&per_page=100", _Code)
    if listed is None:
        return None
    return [
        Alert("code scanning", each.rule.security_severity_level or "", each.rule.description,
              each.html_url)
        for each in listed
        if each.rule.security_severity_level in _GRAVE
    ]  # fmt: skip


async def _dependencies(github: GitHubProbe) -> list[Alert] | None:
    grave = ",".join(_GRAVE)
    path = f"dependabot/alerts?state=open&severity={grave}&per_page=100"
    listed = await github.entries(path, _Dependency)
    if listed is None:
        return None
    return [
        Alert(
            "dependency alerts",
            each.security_vulnerability.severity,
            f"{each.security_vulnerability.package.name}: {each.security_advisory.summary}",
            each.html_url,
        )
        for each in listed
    ]
