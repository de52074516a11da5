"""Prisma's own word on the history, as a second witness of migrations.status."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from msgspec.structs import replace

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.errors import NotConfigured, ProbeError, Unverified
from pytest_chefrelease.probes.commands import CommandRun
from pytest_chefrelease.probes.needles import Needles
from pytest_chefrelease.probes.postgres_url import DatabaseUrl
from pytest_chefrelease.probes.prisma import read_release_migrations
from pytest_chefrelease.probes.prisma_cli import Access, ask_prisma, find_prisma, given_to
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.migration_history import Comparison, ReleaseMigrations
from pytest_chefrelease.runbook.migration_witness import Word, disagreement, error_in, read_word
from pytest_chefrelease.runbook.secret import Secret

_ITS_REMEDY = (
    "Run npx prisma migrate status where pytest runs. Where its configuration reads further "
    "variables, name them in migrations.prisma_variables."
)


async def hear_prisma(
    look: Context,
    database: DatabaseUrl,
    release: ReleaseMigrations,
    compared: Comparison,
    seen: Evidence,
) -> tuple[Evidence, ProbeError | None]:
    """The evidence with Prisma's word, and why that cannot be had, where it cannot.

    Raises Unverified where it contradicts what was found. Does nothing unless settings say
    so (``migrations.ask_prisma``).
    """
    if not look.settings.migrations.ask_prisma:
        return seen, None
    try:
        word = await _word(look, database, release)
    except ProbeError as error:
        return replace(seen, facts={**seen.facts, "prisma": None}), error
    seen = replace(seen, facts={**seen.facts, "prisma": str(word)})
    differs = disagreement(word, compared)
    if differs:
        raise Unverified(
            f"two witnesses disagree: {differs}",
            expected="the same of both",
            where=seen.source,
            remedy="Find out which of the two is wrong before anything is deployed: "
            "SELECT * FROM _prisma_migrations, and npx prisma migrate status.",
            evidence=seen,
        )
    return replace(seen, summary=f"{seen.summary}; Prisma agrees"), None


def demand_heard(silent: ProbeError | None, seen: Evidence) -> None:
    """Raises Unverified where Prisma was to be asked and gave no answer."""
    if silent is not None:
        raise Unverified(
            f"Prisma, the second witness, was not heard: {silent.summary}",
            expected="its word on the history",
            where=seen.source,
            remedy=silent.remedy or _ITS_REMEDY,
            evidence=seen,
        )


async def _word(look: Context, database: DatabaseUrl, release: ReleaseMigrations) -> Word:
    directory = look.settings.migrations.directory
    prisma = find_prisma(look.repository, directory)
    # It reads the work tree: where that holds other scripts, its word is of another release.
    here = await asyncio.to_thread(read_release_migrations, look.probes.git, None, directory)
    if here.scripts != release.scripts or here.without_script != release.without_script:
        raise NotConfigured(
            "the work tree holds other migrations than the release commit",
            remedy="Check the release's commit out where pytest runs.",
        )
    access = Access(look.database_url, look.environment, look.settings.migrations.prisma_variables)
    ran = await ask_prisma(prisma, access)
    word = read_word(ran.output)
    if word is None:
        raise ProbeError(_said(ran, given_to(prisma, access)))
    asked = database.parameters.get("dbname")
    if word.database and asked and word.database != asked:
        raise ProbeError(f"it asked another database, {word.database}")
    return word


def _said(ran: CommandRun, given: Mapping[str, str]) -> str:
    needles = Needles({name: Secret(value) for name, value in given.items()})
    text = error_in(ran.output) or ran.last_line or "it said nothing"
    return f"{ran.end}: {needles.cleaned(text)}"
