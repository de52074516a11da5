"""The ledger's own items: what no runbook of another product would know."""

from __future__ import annotations

from typing import Any

from pytest_chefrelease.api import (
    Context,
    Evidence,
    Failed,
    Item,
    Minimum,
    Section,
    Severity,
    Stage,
    Symptom,
    Unverified,
    check,
)


def journal_of(document: object) -> dict[str, Any]:
    """What /status says. Raises Unverified where it is no object: that is no evidence."""
    if not isinstance(document, dict):
        raise Unverified("/status is no JSON object", expected="schema, postings, balance_cents")
    return document


@check(
    Item(
        id="ledger.balanced",
        title="Debits and credits cancel each other out",
        stages=(Stage.POSTRELEASE, Stage.MONITORING),
        severity=Severity.P1,
        section=Section.BEYOND,
        minimum=Minimum(counts={"postings": 1}),
        remedy="Stop posting, and compare the journal with the last backup.",
    )
)
async def ledger_balanced(look: Context) -> Evidence:
    """Over the whole journal, as the application sums it up."""
    answer = await look.probes.http.get(f"{look.api}/status")
    journal = journal_of(answer.json())
    if journal["balance_cents"] != 0:
        raise Failed(
            f"{journal['balance_cents']} cents are out of balance",
            expected="a sum of 0 over all postings",
            where=answer.url,
        )
    return Evidence(
        summary=f"{journal['postings']} postings, in balance",
        source=answer.url,
        observed_at=answer.observed_at,
        facts={"postings": journal["postings"], "balance_cents": 0},
    )


@check(
    Item(
        id="ledger.schema",
        title="Every migration of the release is applied",
        stages=(Stage.POSTRELEASE,),
        severity=Severity.P1,
        section=Section.MIGRATIONS,
        quick_check=7,
        minimum=Minimum(counts={"migrations": 1}),
        remedy="Stop and assess: see what the application said when it started.",
        symptom=Symptom.MIGRATION_FAILED,
    )
)
async def ledger_schema(look: Context) -> Evidence:
    """Plain SQL: as many as there are files, by the database's own count."""
    answer = await look.probes.http.get(f"{look.api}/status")
    applied = journal_of(answer.json())["schema"]
    files = len(list((look.repository / "migrations").iterdir()))
    if applied != files:
        raise Failed(
            f"{applied} of {files} migrations are applied",
            expected="all of the release's",
            where=answer.url,
        )
    return Evidence(
        summary=f"{applied} migrations, all of the release's",
        source=answer.url,
        observed_at=answer.observed_at,
        facts={"migrations": applied},
    )
