"""The migrations that the deployment will apply: in the release, and not in the database."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.errors import NotApplicable
from pytest_chefrelease.probes.prisma import read_history, read_release_migrations
from pytest_chefrelease.runbook.migration_history import ReleaseMigrations, Script, compare


class Pending(Struct, frozen=True):
    """What is pending, in the order of its application (at least one); ``where`` is production."""

    scripts: tuple[Script, ...]
    release: ReleaseMigrations
    where: str

    @property
    def names(self) -> tuple[str, ...]:
        """The migrations' names."""
        return tuple(script.name for script in self.scripts)


async def pending_migrations(look: Context) -> Pending:
    """What the release would apply to its database. Raises NotApplicable where that is nothing."""
    directory = look.settings.migrations.directory
    database = look.probes.postgres(look.database_url)
    release = await asyncio.to_thread(
        read_release_migrations, look.probes.git, look.release.commit, directory
    )
    async with database.session() as session:
        history = await read_history(session)
    where = f"{database.database.where}, schema {database.database.schema}"
    compared = compare(release, history)
    if not compared.pending and not compared.failed:
        raise NotApplicable(
            f"no migration is pending: all {len(compared.applied)} of the release are applied",
            where=where,
        )
    failed = {row.name for row in compared.failed}
    # One that failed is resolved and then applied again: it is still to come.
    scripts = tuple(
        script for script in release.scripts if script in compared.pending or script.name in failed
    )
    return Pending(scripts, release, where)
