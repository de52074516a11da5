"""migrations.rehearsed: pending migrations run on production's data, in time, and code can go back.

The data is that of the newest backup, restored on this machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_chefrelease.checks.backup.restores import LONGEST_S
from pytest_chefrelease.checks.backup.restoring import try_newest
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.drill.rehearsal import Rehearsal
from pytest_chefrelease.errors import Failed, NotApplicable, Unverified
from pytest_chefrelease.probes.scratch.stepwise import Step
from pytest_chefrelease.runbook.evidence import Attachment, Evidence, Scalar, Table, Text
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_BLOCKS_READERS = "AccessExclusiveLock"


@check(
    Item(
        id="migrations.rehearsed",
        title="Pending migrations run on a copy of production's data",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.MIGRATIONS,
        blocking=False,
        minimum=Minimum(counts={"migrations": 1}),
        remedy="Mend the migration before it meets production.",
        timeout_s=LONGEST_S,
    )
)
async def migrations_rehearsed(look: Context) -> Evidence:
    """One by one, each within ``drill.budget``; then the queries of the release before."""
    place, done = await rehearsed(look)
    if not done.steps:
        raise NotApplicable("the backup has every migration of the release: none is pending")
    seen = _evidence(look, place, done)
    _demand_success(look, done, seen)
    _demand_way_back(done, seen)
    return seen


async def rehearsed(look: Context) -> tuple[str, Rehearsal]:
    """The backup's place and what was rehearsed on it. Raises Unverified where nothing could be."""
    try:
        read, tried = await try_newest(look)
    except Failed as failure:
        raise Unverified(
            f"there is nothing to rehearse on: {failure.seen}", remedy="See backup.restores."
        ) from None
    done = tried.rehearsal
    if done is None or done.problem:
        why = done.problem if done else "the newest backup does not restore"
        raise Unverified(
            f"there is nothing to rehearse on: {why}",
            where=read.known.place,
            remedy="See backup.restores." if done is None else "Look at the backup's history.",
        )
    return read.known.place, done


def _demand_success(look: Context, done: Rehearsal, seen: Evidence) -> None:
    failed, budget = done.failed, look.settings.drill.budget.total_seconds()
    if failed is None:
        return
    if failed.is_over_budget:
        raise Failed(
            f"{failed.name} was not done after {budget:g} s on production's data",
            expected=f"at most {budget:g} s",
            where=seen.source,
            remedy="Do it in smaller steps, or outside the deployment; where so long is right, "
            "raise drill.budget.",
            evidence=seen,
        )
    raise Failed(
        f"{failed.name} fails on production's data: {failed.error}",
        expected="all pending migrations applied",
        where=seen.source,
        evidence=seen,
    )


def _demand_way_back(done: Rehearsal, seen: Evidence) -> None:
    failing = [query for query in done.queries if query.error]
    if failing:
        raise Failed(
            f"what the release before asks fails after the migrations: {failing[0].error}",
            expected=f"an answer to {failing[0].text}",
            where=seen.source,
            remedy="Code cannot go back once these ran. Let the schema keep what the old code "
            "needs for one release more (expand and contract).",
            evidence=seen,
        )


def _evidence(look: Context, place: str, done: Rehearsal) -> Evidence:
    took_ms = sum(step.took_ms for step in done.steps)
    closed = [
        (lock.held_ms, lock.table)
        for step in done.steps
        for lock in step.locks
        if lock.mode == _BLOCKS_READERS
    ]
    rewritten: list[Scalar] = [name for step in done.steps for name in step.rewritten]
    longest, table = max(closed, default=(0.0, ""))
    locked = f"; {table} closed to readers for {longest:g} ms" if closed else ""
    asked = f"; {len(done.queries)} queries of the release before answered" if done.queries else ""
    return Evidence(
        summary=f"{len(done.steps)} pending migrations took {took_ms:g} ms on production's data"
        f"{locked}{asked}",
        source=place,
        observed_at=look.now(),
        facts={
            "migrations": len(done.steps),
            "took_ms": round(took_ms, 1),
            "longest_exclusive_lock_ms": longest,
            "rewritten": rewritten,
            "schema_changes": len(done.schema),
            "old_queries": len(done.queries),
        },
        attachments=tuple(_attachments(done)),
    )


def _attachments(done: Rehearsal) -> Iterator[Attachment]:
    yield Table("Statements", ("migration", "statement", "ms", "rows"), _statements(done.steps))
    locks = tuple(
        (step.name, lock.table, lock.mode, f"{lock.held_ms:g}")
        for step in done.steps
        for lock in step.locks
    )
    yield Table("Locks on tables that are there", ("migration", "table", "lock", "ms"), locks)
    yield Text("What changes in the schema", "\n".join(done.schema) or "nothing")
    if done.queries:
        asked = tuple((query.text, query.error or "answered") for query in done.queries)
        yield Table("Queries of the release before", ("query", "after the migrations"), asked)


def _statements(steps: Sequence[Step]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (step.name, statement.text, f"{statement.took_ms:g}", str(statement.rows))
        for step in steps
        for statement in step.statements
    )
