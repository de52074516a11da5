"""What latency is measured of: the endpoints by settings, and why one could not be measured."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.latency.campaign import Measured, Target
from pytest_chefrelease.errors import NotApplicable, NotConfigured, Unverified
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.settings.model import Settings

_WEB = "web "


def endpoints(settings: Settings, _stage: Stage) -> Sequence[str]:
    """``/health`` for the API, ``web /login`` for the web front.

    Without ``latency.endpoints``: the smoke endpoints that are GET, and the web routes.
    """
    chosen = settings.latency.endpoints
    if not chosen:
        smoke = (e.path for e in settings.smoke.endpoints if e.method == "GET")
        chosen = (*smoke, *(_WEB + path for path in settings.routes.paths))
    return tuple(dict.fromkeys(chosen))


def demand_source(look: Context) -> None:
    """Raise NotConfigured for a source that cannot be read."""
    source = look.settings.latency.source
    if source != "probe":
        raise NotConfigured(
            f"this cannot be read from {source}",
            expected='latency.source = "probe"',
            remedy='Set latency.source = "probe" in release.toml.',
        )


def is_of_web(endpoint: str) -> bool:
    """Whether an endpoint is the web front's."""
    return endpoint.startswith(_WEB)


def address(look: Context, endpoint: str) -> str:
    """The endpoint's URL. Raises NotConfigured."""
    if is_of_web(endpoint):
        return look.web + endpoint.removeprefix(_WEB)
    return look.api + endpoint


def targets(look: Context) -> list[Target]:
    """All endpoints that have an address."""
    found = []
    for name in endpoints(look.settings, look.stage):
        try:
            found.append(Target(name, address(look, name), _accepted(look, name)))
        except NotConfigured:
            continue  # the endpoint's own check says so
    return found


def _accepted(look: Context, name: str) -> tuple[int, ...]:
    """Statuses of 400 and more that count as answered: what smoke allows for the path.

    A refusal to who is not logged in counts only where settings list the endpoint: it
    says little of the endpoint, and floods of it look like an attack in the target's logs.
    """
    allowed: set[int] = set()
    for endpoint in look.settings.smoke.endpoints:
        if endpoint.method == "GET" and endpoint.path == name:
            allowed.update(status for status in endpoint.status if status >= 400)
    if name not in look.settings.latency.endpoints:
        allowed -= {401, 403}
    return tuple(sorted(allowed))


def demand_measured(look: Context, endpoint: str, measured: Measured) -> None:
    """Raise what kept the endpoint from being measured, or measured to the end."""
    refusal = measured.refusal
    if refusal is None:
        return
    is_default = endpoint not in look.settings.latency.endpoints
    kind = NotApplicable if refusal.is_guarded and is_default else Unverified
    asked = f" after {len(measured.shots)} requests" if measured.shots else ""
    raise kind(refusal.seen + asked, where=refusal.where, remedy=refusal.remedy)
