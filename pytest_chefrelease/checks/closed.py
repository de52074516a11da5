"""What fails only because maintenance is on says so, instead of failing beside its item."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import wraps

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.errors import Failed, ProbeError, Unverified
from pytest_chefrelease.runbook.evidence import Evidence

Verify = Callable[..., Awaitable[Evidence]]
_SWITCH_OFF = "Switch maintenance mode off, then verify again."


def is_closed(status: int | None, headers: Mapping[str, str]) -> bool:
    """Whether an answer is that of maintenance: 503 with Retry-After."""
    return status == 503 and "retry-after" in headers


def demand_open(status: int | None, headers: Mapping[str, str], where: str, seen: Evidence) -> None:
    """Raise Unverified where what was looked at is closed for maintenance.

    ``deploy.maintenance-off`` is the item that fails then; of everything else nothing can
    be said until maintenance is off.
    """
    if is_closed(status, headers):
        raise Unverified(
            f"maintenance is on: status 503, Retry-After {headers['retry-after'][:40]}",
            expected="the application itself",
            where=where,
            remedy=_SWITCH_OFF,
            evidence=seen,
        )


def unless_closed(verify: Verify) -> Verify:
    """Turn a failure into unverified while what it looked at is closed for maintenance.

    ``deploy.maintenance-off`` is the item that fails then. Nothing is asked of what passes.
    """

    @wraps(verify)
    async def verified(look: Context, *parameter: str) -> Evidence:
        try:
            return await verify(look, *parameter)
        except Failed as failed:
            closed = await _closed(look)
            if closed is None:
                raise
            raise Unverified(
                f"maintenance is on, and {failed.seen}",
                expected="the application itself",
                where=closed,
                remedy=_SWITCH_OFF,
                evidence=failed.evidence,
            ) from None

    return verified


async def _closed(look: Context) -> str | None:
    """The first address that answers as maintenance does: 503 with Retry-After."""
    for url in _places(look):
        try:
            answer = await look.probes.http.get(url)
        except ProbeError:
            continue  # what does not answer is not closed in order: the failure stands
        if is_closed(answer.status, answer.headers):
            return f"GET {answer.url}"
    return None


def _places(look: Context) -> Iterator[str]:
    """What maintenance closes, by settings; else the front page and the first of the endpoints.

    Health endpoints stay open: platforms restart what looks dead.
    """
    table, target = look.settings.maintenance, look.settings.target
    path = table.path or "/"
    if path.startswith(("http://", "https://")):
        yield path
    elif target.web is not None:
        yield target.web + path
    guarded = (
        one.path
        for one in look.settings.smoke.endpoints
        if one.method == "GET" and one.path != target.health
    )
    api_path = table.api_path or next(guarded, None)
    if target.api is not None and api_path is not None:
        yield target.api + api_path
