"""Migrations on staging: what production will get has been applied there, as it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.migrations_evidence import duration, stamp
from pytest_chefrelease.checks.migrations_pending import Pending, pending_migrations
from pytest_chefrelease.errors import Failed, NotApplicable, NotConfigured, Unverified
from pytest_chefrelease.probes.prisma import read_history
from pytest_chefrelease.runbook.evidence import Evidence, Scalar, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.runbook.migration_history import Row, Script, is_same_script

_SHOWN = 5
_PLACE = "environments.staging.database_env"


class Trial(Struct, frozen=True):
    """What became of one pending migration on staging; ``is_well``: applied, the same script."""

    name: str
    is_well: bool
    said: str
    at: datetime | None = None
    took: str = ""


@check(
    Item(
        id="migrations.tested-on-staging",
        title="Every pending migration is applied on staging, as the release has it",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P1,
        section=Section.MIGRATIONS,
        minimum=Minimum(counts={"pending": 1, "tested": 1}),
        remedy="Apply the release's migrations on staging, and verify it again.",
    )
)
async def tested_on_staging(look: Context) -> Evidence:
    """Production's pending migrations beside staging's ``_prisma_migrations``."""
    if look.settings.release.environment == "staging":
        raise NotApplicable("the release goes to staging itself")
    pending = await pending_migrations(look)
    database = look.probes.postgres(_url(look))
    async with database.session() as session:
        history = await read_history(session)
    where = f"{database.database.where}, schema {database.database.schema}"
    if not history.rows:
        what = "no migration history" if history.rows is None else "an empty migration history"
        raise Unverified(
            f"staging's database has {what}, and {_names(pending)} pending for production",
            expected="the history of a staging that the release was deployed to",
            where=where,
            remedy=f"Check the URL in {_PLACE} and its ?schema=.",
        )
    trials = tuple(_trial(script, history.rows) for script in pending.scripts)
    seen = _evidence(look, pending, trials, where)
    bad = [trial for trial in trials if not trial.is_well]
    if bad:
        raise Failed(
            _listed(bad),
            expected="each pending migration applied on staging with the release's checksum",
            where=where,
            remedy=_remedy(bad[0]),
            evidence=seen,
        )
    return seen


def _url(look: Context) -> str:
    name = look.settings.staging.database_env
    if name is None:
        raise NotConfigured(
            "no database of staging is configured: what was tried there is not known",
            remedy=f"Set {_PLACE} in release.toml.",
        )
    return look.variable(name, f"staging's database's URL ({_PLACE})")


def _trial(script: Script, rows: Sequence[Row]) -> Trial:
    tries = [row for row in rows if row.name == script.name]
    applied = [row for row in tries if row.is_applied]
    if applied:
        return _applied(script, applied[-1])
    failed = next((row for row in tries if row.is_failed), None)
    if failed is not None:
        return Trial(script.name, is_well=False, said="failed on staging", at=failed.started_at)
    if tries:
        said = "was rolled back on staging and not applied again"
        return Trial(script.name, is_well=False, said=said, at=tries[-1].rolled_back_at)
    return Trial(script.name, is_well=False, said="is not applied on staging")


def _applied(script: Script, row: Row) -> Trial:
    if not is_same_script(script.checksums, row.checksum):
        said = (
            f"is another script on staging: checksum {row.checksum[:12]}… there, "
            f"{script.checksums.as_is[:12]}… in the release"
        )
        return Trial(script.name, is_well=False, said=said, at=row.started_at)
    took = duration((row.finished_at - row.started_at).total_seconds()) if row.finished_at else ""
    return Trial(script.name, is_well=True, said="applied", at=row.started_at, took=took)


def _remedy(trial: Trial) -> str:
    if "another script" in trial.said:
        return (
            f"{trial.name} was edited after staging had applied it: put the tried script back, or "
            "reset staging's database to production's state and apply the release there."
        )
    if "failed" in trial.said:
        return "Mend the migration; resolve it on staging (npx prisma migrate resolve), try again."
    return "Run npx prisma migrate deploy with the release's code on staging, and verify it again."


def _evidence(look: Context, pending: Pending, trials: Sequence[Trial], where: str) -> Evidence:
    tested = sum(trial.is_well for trial in trials)
    columns = ("Migration", "On staging", "When", "Took")
    rows = tuple(
        (trial.name, trial.said, stamp(trial.at) if trial.at else "", trial.took)
        for trial in trials
    )
    names: list[Scalar] = [*pending.names]
    return Evidence(
        summary=f"{tested} of {len(trials)} pending migrations applied on staging with the same "
        f"checksum: {_names(pending)}",
        source=where,
        observed_at=look.now(),
        facts={
            "pending": len(trials),
            "tested": tested,
            "pending_migrations": names,
            "production": pending.where,
        },
        commit=look.release.commit,
        attachments=(Table("Pending migrations on staging", columns, rows),),
    )


def _names(pending: Pending) -> str:
    more = len(pending.names) - _SHOWN
    shown = ", ".join(pending.names[:_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def _listed(trials: Sequence[Trial]) -> str:
    shown = "; ".join(f"{trial.name} {trial.said}" for trial in trials[:_SHOWN])
    more = len(trials) - _SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown
