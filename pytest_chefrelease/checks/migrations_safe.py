"""Safe migrations: nothing pending locks a large table for long, or takes anything away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.migrations_evidence import size
from pytest_chefrelease.checks.migrations_pending import Pending, pending_migrations
from pytest_chefrelease.errors import Failed
from pytest_chefrelease.probes.breaking_changes import empties, is_new
from pytest_chefrelease.probes.postgres_tables import SizedTable, table_sizes
from pytest_chefrelease.probes.prisma import read_script_texts
from pytest_chefrelease.probes.squawk.script import (
    ReadScript,
    Relation,
    Statement,
    read_scripts,
)
from pytest_chefrelease.runbook.evidence import Attachment, Evidence, Scalar, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.runbook.migration_risks import (
    EMPTIES,
    OPAQUE,
    RISKS,
    TOGETHER,
    Acceptance,
    RiskyStep,
    unused,
    weighed,
)

_SHOWN = 3
_MOST_ROWS = 50


class _Step(Struct, frozen=True):
    """A risky statement as the script has it, before production was asked about its tables."""

    migration: str
    line: int
    rule: str
    statement: Statement
    relations: tuple[Relation, ...]


@check(
    Item(
        id="migrations.safe",
        title="Pending migrations lock no large table and take nothing away",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.MIGRATIONS,
        minimum=Minimum(counts={"pending": 1, "statements": 1}),
        remedy="Write the migration the safer way, or accept the finding with a reason.",
    )
)
async def safe(look: Context) -> Evidence:
    """Squawk's rules on the pending scripts, with the sizes that their tables have now."""
    pending = await pending_migrations(look)
    directory = look.settings.migrations.directory
    texts = await asyncio.to_thread(
        read_script_texts, look.probes.git, look.release.commit, directory, pending.names
    )
    in_order = {name: texts[name] for name in pending.names}
    read = await asyncio.to_thread(read_scripts, in_order)
    found = tuple(_risky(read))
    sizes = await _sizes(look, found)
    accepted = _accepted(look)
    steps = weighed(
        (_sized(step, sizes) for step in found), accepted, look.settings.migrations.small_table
    )
    seen = _evidence(look, pending, read, steps, unused(accepted, steps))
    counting = [step for step in steps if step.counts]
    if counting:
        worst = counting[0]
        raise Failed(
            _listed(counting),
            expected="migrations that only add, and lock nothing large",
            where=f"{worst.migration}, line {worst.line}",
            remedy=f"{worst.risk.safer} Or accept it under [[migrations.accepted]]: migration = "
            f'"{worst.migration}", rule = "{worst.rule}", and a reason.',
            evidence=seen,
        )
    return seen


def _risky(read: Sequence[ReadScript]) -> Iterator[_Step]:
    """Every risky statement about what the scripts do not create themselves, in order."""
    created = [made for script in read for made in script.created]
    for script in read:
        steps = sorted((*_by_rules(script), *_by_kind(script)), key=lambda step: step.line)
        for step in steps:
            if not is_new(step.statement, step.relations, created):
                yield step


def _by_rules(script: ReadScript) -> Iterator[_Step]:
    for found in script.found:
        if found.rule in RISKS:
            yield _Step(script.name, found.line, found.rule, found.statement, found.relations)


def _by_kind(script: ReadScript) -> Iterator[_Step]:
    """What no rule of squawk's says, and its parser shows."""
    for each in script.statements:
        rule = None
        if empties(each):
            rule = EMPTIES
        elif each.kind == "DO":
            rule = OPAQUE
        elif each.node.has("CONCURRENTLY_KW") and len(script.statements) > 1:
            rule = TOGETHER
        if rule is not None:
            yield _Step(script.name, each.line, rule, each, each.relations)


async def _sizes(look: Context, steps: Sequence[_Step]) -> dict[Relation, SizedTable]:
    if not steps:
        return {}
    relations = [relation for step in steps for relation in step.relations]
    async with look.probes.postgres(look.database_url).session() as session:
        return dict(await table_sizes(session, relations))


def _sized(step: _Step, sizes: dict[Relation, SizedTable]) -> RiskyStep:
    known = {relation: sizes[relation] for relation in step.relations if relation in sizes}
    names = (
        known[relation].name if relation in known else str(relation) for relation in step.relations
    )
    return RiskyStep(
        migration=step.migration,
        line=step.line,
        rule=step.rule,
        statement=step.statement.text,
        tables=tuple(dict.fromkeys(names)),
        sizes={table.name: table.size for table in known.values()},
    )


def _accepted(look: Context) -> tuple[Acceptance, ...]:
    return tuple(
        Acceptance(each.migration, each.rule, each.reason, each.table)
        for each in look.settings.migrations.accepted
    )


def _evidence(
    look: Context,
    pending: Pending,
    read: Sequence[ReadScript],
    steps: Sequence[RiskyStep],
    idle: Sequence[Acceptance],
) -> Evidence:
    directory = look.settings.migrations.directory.strip("/")
    findings: list[dict[str, Scalar]] = [
        {
            "file": f"{directory}/{step.migration}/migration.sql",
            "line": step.line,
            "message": _said(step),
            "rule": step.rule,
        }
        for step in steps
        if step.counts
    ]
    columns = ("Migration", "What", "Lock", "Table in production", "Safer", "Counts")
    rows = tuple(_row(step) for step in steps[:_MOST_ROWS])
    attachments: list[Attachment] = [Table("Risky steps", columns, rows)] if rows else []
    names: list[Scalar] = [*pending.names]
    unneeded: list[Scalar] = [*map(str, idle)]
    statements = sum(len(script.statements) for script in read)
    return Evidence(
        summary=_summary(pending, statements, steps, idle),
        source=f"{len(read)} pending migrations in {directory}, read by squawk",
        observed_at=look.now(),
        facts={
            "pending": len(pending.scripts),
            "statements": statements,
            "findings": [*findings],
            "accepted": sum(step.accepted is not None for step in steps),
            "on_small_tables": sum(step.is_small for step in steps),
            "unused_acceptances": unneeded,
            "pending_migrations": names,
        },
        commit=look.release.commit,
        attachments=tuple(attachments),
    )


def _summary(
    pending: Pending, statements: int, steps: Sequence[RiskyStep], idle: Sequence[Acceptance]
) -> str:
    names = ", ".join(pending.names[:_SHOWN]) + (", …" if len(pending.names) > _SHOWN else "")
    text = f"{len(pending.names)} pending ({names}), {statements} statements"
    accepted = [step for step in steps if step.accepted is not None]
    small = [step for step in steps if step.is_small and step.accepted is None]
    text += "" if steps else ": none locks or takes away"
    if accepted:
        reasons = "; ".join(f"{_said(step)} (accepted: {step.accepted})" for step in accepted)
        text += f"; {reasons}"
    if small:
        text += f"; {len(small)} on small tables, whose locks are short"
    if idle:
        text += f"; accepted, but not found: {', '.join(map(str, idle))}"
    return text


def _row(step: RiskyStep) -> tuple[str, ...]:
    counts = "yes"
    if step.accepted is not None:
        counts = f"accepted: {step.accepted}"
    elif step.is_small:
        counts = "no, a small table"
    place = f"{step.migration}, line {step.line}"
    what = f"{step.risk.what} ({step.rule}): {step.statement}"
    return (place, what, step.risk.lock, _tables(step), step.risk.safer, counts)


def _tables(step: RiskyStep) -> str:
    return ", ".join(
        f"{name} ({size(step.sizes[name].size_bytes)}, {step.sizes[name].rows} rows)"
        if name in step.sizes
        else f"{name} (not there)"
        for name in step.tables
    )


def _said(step: RiskyStep) -> str:
    on = f" on {_tables(step)}" if step.tables else ""
    lock = f", {step.risk.lock}" if step.risk.lock else ""
    return f"{step.migration} line {step.line} {step.risk.what}{on}{lock}"


def _listed(steps: Sequence[RiskyStep]) -> str:
    shown = "; ".join(map(_said, steps[:_SHOWN]))
    more = len(steps) - _SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown
