"""All that a gate wants to know of a release from Sentry, read together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct, field

from pytest_chefrelease.probes.sentry import Issues, Release, SentryApi, Sessions

_NOTHING = Issues(())
_NO_SESSIONS = Sessions(0, None)


class SentryReading(Struct, frozen=True):
    """What Sentry says of a release; ``release`` is None where it knows none of the names.

    ``new`` are unresolved issues that this release brought, ``regressed`` those that were
    resolved once and came back in it.
    """

    release: Release | None = None
    new: Issues = _NOTHING
    regressed: Issues = _NOTHING
    sessions: Sessions = _NO_SESSIONS
    read_at: datetime = field(default_factory=lambda: datetime.now(UTC))


async def read_release(
    api: SentryApi, names: Sequence[str], environment: str, *, sessions: bool
) -> SentryReading:
    """Read the first of the names that is a release of the project. Raises ProbeErrors."""
    release = await find_release(api, names)
    if release is None:
        return SentryReading()
    quoted = release.version.replace('"', '\\"')
    new, regressed, counted = await asyncio.gather(
        api.issues(f'is:unresolved firstRelease:"{quoted}"', environment),
        api.issues(f'is:unresolved regressed_in_release:"{quoted}"', environment),
        _sessions(api, quoted, environment, wanted=sessions),
    )
    return SentryReading(release, new, regressed, counted)


async def find_release(api: SentryApi, names: Sequence[str]) -> Release | None:
    """The first of the names that is a release of the project. Raises ProbeErrors."""
    for name in names:
        release = await api.release(name)
        if release is not None and release.version == name and release.is_of(api.project):
            return release
    # No release, or nothing to see at all: the second is a mistake in settings.
    await api.demand_project()
    return None


async def _sessions(api: SentryApi, name: str, environment: str, *, wanted: bool) -> Sessions:
    return await api.sessions(name, environment) if wanted else _NO_SESSIONS
