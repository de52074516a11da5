"""Migrations: the database's history is the release's, by Prisma's rules and beyond them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from pytest_chefrelease.checks.after_rollback import left_behind
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.drill.from_scratch import migrations_from_scratch
from pytest_chefrelease.checks.drill.idempotent import migrations_idempotent
from pytest_chefrelease.checks.drill.rehearsed import migrations_rehearsed
from pytest_chefrelease.checks.migrations_assessment import with_assessment
from pytest_chefrelease.checks.migrations_evidence import evidence_of
from pytest_chefrelease.checks.migrations_safe import safe
from pytest_chefrelease.checks.migrations_staging import tested_on_staging
from pytest_chefrelease.checks.migrations_witness import demand_heard, hear_prisma
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.probes.prisma import read_history, read_release_migrations
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage, Symptom
from pytest_chefrelease.runbook.migration_history import (
    Comparison,
    Finding,
    Problem,
    ReleaseMigrations,
    compare,
)

__all__ = [
    "migrations_from_scratch",
    "migrations_idempotent",
    "migrations_rehearsed",
    "safe",
    "status",
    "tested_on_staging",
]

_SHOWN = 5

# What a stage may find: before a deploy something may be pending, rolled-back ones included,
# since the deployment applies them; after it, the order can no longer be changed.
_HARMLESS = {
    Stage.PRERELEASE: {Problem.PENDING, Problem.ROLLED_BACK},
    Stage.POSTRELEASE: {Problem.OUT_OF_ORDER},
}

_REMEDIES = {
    Problem.FAILED: "Stop and assess (bad-migration protocol): mend what failed, then npx prisma "
    'migrate resolve --rolled-back "{name}", or --applied where it is done by hand.',
    Problem.WRONG_PROVIDER: "Check that migrations.directory holds this database's migrations.",
    Problem.NO_SCRIPT: "Restore its migration.sql or delete the directory: a deployment stops at "
    "it (P3015).",
    Problem.NO_BASELINE: "Check the URL and its ?schema=. A database that was made without Prisma "
    'needs npx prisma migrate resolve --applied "NAME" for each migration that it holds.',
    Problem.EDITED: "Put the script back as it was applied (git log -p shows it), and make the "
    "change a new migration.",
    Problem.NOT_IN_RELEASE: "Release a commit that holds it: somebody deployed from elsewhere, or "
    "this is the wrong database.",
    Problem.ROLLED_BACK: "Mend it and apply it again: npx prisma migrate deploy.",
    Problem.PENDING: "Run npx prisma migrate deploy with the release's code.",
    Problem.OUT_OF_ORDER: "Give a pending one a name that comes last. Where the order is known to "
    "do no harm, add it to migrations.accepted_order.",
}


@check(
    Item(
        id="migrations.status",
        title="The database's migration history fits the release",
        stages=(Stage.PRERELEASE, Stage.POSTRELEASE),
        severity=Severity.P1,
        section=Section.MIGRATIONS,
        quick_check=7,
        symptom=Symptom.MIGRATION_FAILED,
        minimum=Minimum(counts={"in_release": 1, "applied": 1}),
        remedy="Stop and assess; do not roll the code back.",
    )
)
async def status(look: Context) -> Evidence:
    """The release's migrations beside ``_prisma_migrations``, read in one transaction."""
    url, directory = look.database_url, look.settings.migrations.directory
    commit = look.release.commit
    release = await asyncio.to_thread(read_release_migrations, look.probes.git, commit, directory)
    database = look.probes.postgres(url)
    async with database.session() as session:
        history = await read_history(session)
    compared = compare(release, history, look.settings.migrations.accepted_order)
    recent = await asyncio.to_thread(_of_this_release, look, release)
    seen = evidence_of(look, database.database, release, compared, recent)
    seen = await with_assessment(look, seen, compared.failed)
    seen, silent = await hear_prisma(look, database.database, release, compared, seen)
    _demand_history(look, compared, seen)
    expected = await asyncio.to_thread(left_behind, look)
    stayed = [f.name for f in compared.of(Problem.NOT_IN_RELEASE) if f.name in expected]
    findings = [f for f in compared.findings if f.name not in stayed]
    _demand_agreement(look, replace(compared, findings=tuple(findings)), seen)
    demand_heard(silent, seen)
    return _with_left_behind(seen, look, stayed)


def _with_left_behind(seen: Evidence, look: Context, stayed: Sequence[str]) -> Evidence:
    """Names what a rolled-back release left in the database: its code runs no more, they stay."""
    if not stayed:
        return seen
    names = ", ".join(stayed)
    summary = f"{seen.summary}; of {look.release.rolled_back_from}, rolled back, stay: {names}"
    return replace(seen, summary=summary, facts={**seen.facts, "left_behind": names})


def _of_this_release(look: Context, release: ReleaseMigrations) -> frozenset[str]:
    """The migrations that the previous release did not hold; none where it is not known."""
    previous = look.release.previous_version
    if look.release.commit is None or previous is None:
        return frozenset()
    before = look.probes.git.resolve(f"refs/tags/{previous}")
    if before is None:
        return frozenset()
    directory = look.settings.migrations.directory.strip("/")
    files = look.probes.git.files(before, directory)
    known = {entry.path[len(directory) + 1 :].partition("/")[0] for entry in files}
    return frozenset(script.name for script in release.scripts if script.name not in known)


def _demand_history(look: Context, compared: Comparison, seen: Evidence) -> None:
    if compared.is_empty and look.stage is Stage.PRERELEASE:
        # All pending may be right for a first release, and is what a wrong URL looks like.
        raise Unverified(
            "the schema is empty: no table, no history",
            expected="the history of earlier releases",
            where=seen.source,
            remedy='Check the URL and its ?schema=. For a first release, write "migrations.status" '
            '= "first release" under [not_applicable].',
            evidence=seen,
        )


def _demand_agreement(look: Context, compared: Comparison, seen: Evidence) -> None:
    harmless = _HARMLESS[look.stage]
    wrong = [found for found in compared.findings if found.problem not in harmless]
    if not wrong:
        return
    gravest = wrong[0]
    raise Failed(
        _listed(wrong),
        expected=_expected(look.stage),
        where=seen.source,
        remedy=_REMEDIES[gravest.problem].replace("{name}", gravest.name),
        evidence=seen,
    )


def _listed(findings: Sequence[Finding]) -> str:
    shown = "; ".join(found.text for found in findings[:_SHOWN])
    more = len(findings) - _SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown


def _expected(stage: Stage) -> str:
    if stage is Stage.PRERELEASE:
        return "none failed, edited, absent from the release, or out of order"
    return "the database schema up to date"
