"""The release's pending migrations, run on the restored backup one by one, and then again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import quote

from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.errors import ProbeError
from pytest_chefrelease.probes.postgres_url import parse_database_url
from pytest_chefrelease.probes.release_scripts import read_scripts
from pytest_chefrelease.probes.scratch.migrate import Migration, applied_names, deploy
from pytest_chefrelease.probes.scratch.schema import differences
from pytest_chefrelease.probes.scratch.server import ADMIN, Cluster
from pytest_chefrelease.probes.scratch.stepwise import Database, Step


class OldQuery(Struct, frozen=True):
    """What the release before asks the database, and why that fails now, where it does."""

    text: str
    error: str


class Rehearsal(Struct, frozen=True):
    """What came of it.

    ``schema`` are the lines that changed; ``again`` are those that a second deployment
    changed, or what it applied, and ``problem`` says why nothing could be tried.
    """

    steps: tuple[Step, ...] = ()
    schema: tuple[str, ...] = ()
    queries: tuple[OldQuery, ...] = ()
    again: tuple[str, ...] | None = None
    problem: str = ""

    @property
    def failed(self) -> Step | None:
        """The migration that stopped it."""
        return next((step for step in self.steps if step.error), None)


async def rehearse(look: Context, cluster: Cluster, database: str) -> Rehearsal:
    """Run them; a failure of this machine or of settings becomes ``problem``."""
    try:
        scripts = await asyncio.to_thread(
            read_scripts, look.probes.git, look.release.commit, look.settings.migrations.directory
        )
        schema = parse_database_url(look.database_url).schema
    except ProbeError as error:
        return Rehearsal(problem=error.summary)
    url = url_of(cluster, database, schema)
    return await _on(look, url, scripts)


def url_of(cluster: Cluster, database: str, schema: str) -> str:
    """The administrator's URL, with the schema that Prisma works in."""
    url = cluster.url(database, ADMIN, cluster.admin_password)
    path = quote(f'-csearch_path="{schema}"', safe="")
    return url if schema == "public" else f"{url}?options={path}"


async def _on(look: Context, url: str, scripts: Sequence[Migration]) -> Rehearsal:
    database, budget_s = Database(url), look.settings.drill.budget.total_seconds()
    done = await asyncio.to_thread(applied_names, url)
    if done is None:
        return Rehearsal(problem="the backup has no history of migrations")
    before, steps = await database.schema(), list[Step]()
    for script in scripts:
        if script.name in done:
            continue
        look.say(f"rehearsing {script.name}")
        steps.append(await database.apply(script, budget_s))
        if steps[-1].error:
            break
    after = await database.schema()
    has_failed = bool(steps and steps[-1].error)
    return Rehearsal(
        steps=tuple(steps),
        schema=differences(before, after),
        queries=() if has_failed else await _ask(database, look.settings.drill.queries),
        again=None if has_failed else await _again(database, url, scripts, after),
    )


async def _ask(database: Database, queries: Sequence[str]) -> tuple[OldQuery, ...]:
    import psycopg

    found: list[OldQuery] = []
    async with database.connect() as connection:
        await connection.set_read_only(True)
        await connection.execute("SET statement_timeout = '30s'")
        for text in queries:
            error = ""
            try:
                await connection.execute(text.encode())
            except psycopg.Error as refusal:
                error = (str(refusal).splitlines() or [type(refusal).__name__])[0]
            found.append(OldQuery(text, error))
    return tuple(found)


async def _again(
    database: Database, url: str, scripts: Sequence[Migration], before: Sequence[str]
) -> tuple[str, ...]:
    """What a second deployment did: nothing, where all is well."""
    second = await asyncio.to_thread(deploy, url, scripts)
    did = [f"applied {name}" for name in second.applied]
    did += [second.error] if second.error else []
    return (*did, *differences(before, await database.schema()))
