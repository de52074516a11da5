"""When the release went live: what a backup has to be older than.

The first that is known: what settings say, the start of the release's first migration, the
provider's record, the uptime that the application tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.provider_access import applications, provider_of
from pytest_chefrelease.errors import ProbeError, Unverified
from pytest_chefrelease.probes.prisma import read_history, read_release_migrations


class DeployMoment(Struct, frozen=True):
    """A time with zone, and whose word it is."""

    at: datetime
    by: str


async def deploy_moment(look: Context) -> DeployMoment:
    """Raises Unverified where nobody knows."""
    said = look.settings.release.deployed_at
    if said is not None:
        return DeployMoment(said.astimezone(UTC), "release.deployed_at")
    unknown: list[str] = []
    for ask in (_first_migration, _provider, _uptime):
        try:
            found = await ask(look)
        except ProbeError as error:
            unknown.append(error.seen)
            continue
        if found is not None:
            return found
    raise Unverified(
        "it is not known when the release was deployed" + "".join(f"; {why}" for why in unknown),
        remedy="Give --release-deployed-at=TIME, or configure the database or the provider.",
    )


async def _first_migration(look: Context) -> DeployMoment | None:
    """The earliest try of a migration that the previous release does not hold."""
    git, previous = look.probes.git, look.release.previous_version
    before = git.resolve(f"refs/tags/{previous}") if previous else None
    if before is None or look.release.commit is None:
        return None
    directory = look.settings.migrations.directory
    ours, theirs = [
        await asyncio.to_thread(read_release_migrations, git, commit, directory)
        for commit in (look.release.commit, before)
    ]
    fresh = {s.name for s in ours.scripts} - {s.name for s in theirs.scripts}
    async with look.probes.postgres(look.database_url).session() as session:
        history = await read_history(session)
    tries = [row for row in history.rows or () if row.name in fresh]
    if not tries:
        return None
    first = min(tries, key=lambda row: row.started_at)
    return DeployMoment(first.started_at, f"the start of migration {first.name}")


async def _provider(look: Context) -> DeployMoment | None:
    provider, apps = provider_of(look), applications(look)
    if provider is None or not apps:
        return None
    releases = await provider.releases(next(iter(apps.values())))
    at = releases[0].deployed_at if releases else None
    return _moment(lambda: at.astimezone(UTC), f"{provider.name}'s newest deploy") if at else None


async def _uptime(look: Context) -> DeployMoment | None:
    url = look.api + look.settings.target.health
    answer = await look.probes.http.get(url)
    document = answer.json() if answer.status == 200 else None
    uptime = document.get("uptime") if isinstance(document, dict) else None
    if isinstance(uptime, bool) or not isinstance(uptime, int | float) or uptime < 0:
        return None
    return _moment(lambda: look.now() - timedelta(seconds=uptime), f"the uptime at {url}")


def _moment(reckon: Callable[[], datetime], by: str) -> DeployMoment | None:
    """What somebody's word amounts to; None where that is before the year 1 or after 9999."""
    try:
        return DeployMoment(reckon(), by)
    except OverflowError:
        return None
