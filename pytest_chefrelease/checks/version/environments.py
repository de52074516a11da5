"""What an environment says of the release that it runs: API, web front, applied migrations.

A witness that is not configured or does not answer is missing, and shown as such: whether it
must be there is other items' business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct
from msgspec.structs import replace

from pytest_chefrelease.checks import identity
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.identity import Clue
from pytest_chefrelease.checks.staging.same_code import api_clues, web_clues
from pytest_chefrelease.errors import NotConfigured, ProbeError
from pytest_chefrelease.probes.http import Answer
from pytest_chefrelease.probes.prisma import read_history
from pytest_chefrelease.runbook.release import Release

NOT_CONFIGURED = "not configured"
"""What is said of a witness that nobody named: only such a one need not tell anything."""

Ask = Callable[[Context], Awaitable[tuple[Answer, tuple[Clue, ...]]]]


class Part(Struct, frozen=True):
    """What one part of an environment says, or why nothing."""

    clues: tuple[Clue, ...] = ()
    missing: str = ""

    @property
    def version(self) -> str | None:
        """The version that it names."""
        return next((clue.value for clue in self.clues if not clue.is_commit), None)

    @property
    def said(self) -> str:
        """Version and commit as it says them."""
        values = dict.fromkeys(c.value[:12] if c.is_commit else c.value for c in self.clues)
        return " at ".join(values)

    def contradicts(self, release: Release, prefix: str) -> bool:
        """Whether anything that it says is not the release's."""
        return any(identity.same(clue, release, prefix) is False for clue in self.clues)


class Told(Struct, frozen=True):
    """What an environment told; ``migrations`` is None where they cannot be read, and why."""

    api: Part
    web: Part
    migrations: tuple[str, ...] | None
    no_migrations: str = ""


async def ask_environment(look: Context, name: str) -> Told:
    """Ask all parts of an environment at once. Never raises a ProbeError."""
    settings = look.settings
    there = replace(
        look,
        settings=settings.model_copy(
            update={"release": settings.release.model_copy(update={"environment": name})}
        ),
    )
    api, web, (migrations, reason) = await asyncio.gather(
        _part(there, api_clues), _part(there, web_clues), _migrations(there)
    )
    return Told(api, web, migrations, reason)


async def _part(there: Context, ask: Ask) -> Part:
    try:
        answer, clues = await ask(there)
    except ProbeError as error:
        return Part(missing=why(error))
    if answer.status >= 400:
        return Part(missing=f"answers {answer.status}")
    return Part(clues, missing="says no version")


async def _migrations(there: Context) -> tuple[tuple[str, ...] | None, str]:
    try:
        async with there.probes.postgres(there.database_url).session() as session:
            history = await read_history(session)
    except ProbeError as error:
        return None, why(error)
    if history.rows is None:
        return None, "no history"
    return tuple(sorted({row.name for row in history.rows if row.is_applied})), ""


def why(error: ProbeError) -> str:
    """Why a witness is missing."""
    return NOT_CONFIGURED if isinstance(error, NotConfigured) else "cannot be read"
