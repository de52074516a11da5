"""What the provider can go back to: before a deploy, that is what runs now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from pytest_chefrelease.checks import identity
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.deploy.witnesses import clues_of_marks, in_words
from pytest_chefrelease.checks.identity import Match
from pytest_chefrelease.checks.provider_access import applications, provider_of
from pytest_chefrelease.checks.version.history import Since
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.probes.providers.provider import PastRelease
from pytest_chefrelease.runbook.evidence import Table


class Fallback(Struct, frozen=True):
    """What the provider takes to go back with one application, and what that says of itself."""

    app: str
    reference: str
    said: str


async def demand_fallbacks(look: Context, since: Since) -> tuple[Fallback, ...]:
    """What each application can go back to; empty where no provider is configured.

    Raises Failed where there is nothing, and Unverified where it is of another release than
    the one before this one.
    """
    provider, apps = provider_of(look), list(applications(look).values())
    if provider is None:
        return ()
    found = await asyncio.gather(*(provider.releases(app) for app in apps))
    return tuple(
        _demanded(look, since, app, past[0] if past else None)
        for app, past in zip(apps, found, strict=True)
    )


def targets(fallbacks: tuple[Fallback, ...]) -> Mapping[str, str]:
    """What the commands of a rollback are filled in with, by application."""
    return {one.app: one.reference for one in fallbacks}


def table(fallbacks: tuple[Fallback, ...]) -> Table:
    """What can be gone back to, for the report."""
    rows = tuple((one.app, one.reference, one.said or "nothing") for one in fallbacks)
    return Table("What the provider can go back to", ("application", "with", "says"), rows)


def _demanded(look: Context, since: Since, app: str, past: PastRelease | None) -> Fallback:
    where = f"{look.settings.provider.name}, {app}"
    if past is None:
        raise Failed(
            f"{app} has nothing deployed that could be fallen back to",
            expected=f"{since.previous_tag}, running",
            where=where,
            remedy=f"Deploy {since.previous_tag} first, or correct provider.app and web_app. For "
            'a first release, write "rollback.previous-release" = "first release" under '
            "[not_applicable].",
        )
    if past.problem:
        raise Failed(past.problem, expected=f"{past.reference}, to deploy again", where=where)
    clues = clues_of_marks(past.marks)
    before = replace(
        look.release, version=since.previous_tag, commit=since.previous_commit, problem=None
    )
    prefix = look.settings.release.tag_prefix
    if identity.match(clues, before, prefix) in (Match.OTHER, Match.CONTRADICTORY):
        raise Unverified(
            f"{app} runs {in_words(clues)}, and the release before this one is "
            f"{since.previous_tag} at {since.previous_commit[:12]}",
            expected="one release to fall back to",
            where=where,
            remedy="Set release.previous_version to what runs in production, or deploy "
            f"{since.previous_tag} first.",
        )
    return Fallback(app, past.reference, in_words(clues))
