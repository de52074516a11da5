"""secrets.present: each secret is where production reads it, and holds a value."""

from __future__ import annotations

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.secrets.stored import names, production, production_store
from pytest_chefrelease.errors import Failed
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.runbook.secret_strength import emptiness


@check(
    Item(
        id="secrets.present",
        title="The secret exists where production reads it",
        stages=(Stage.PRERELEASE, Stage.POSTRELEASE),
        severity=Severity.P1,
        section=Section.SECRETS,
        quick_check=4,
        minimum=Minimum(counts={"present": 1}, facts=("place",)),
        remedy="Set it in the provider's secrets; the application does not start without it.",
    ),
    each=names,
)
async def secrets_present(look: Context, name: str) -> Evidence:
    """The store of production has the name, and not just an empty value under it."""
    found = await production(look, name)
    problem = emptiness(found.value.reveal()) if found.value is not None else None
    if problem is not None:
        raise Failed(
            f"{name} is set, but {problem}",
            expected="a value",
            where=found.place,
            remedy=f"Set {name} to its real value there.",
        )
    return Evidence(
        summary=f"{name} is set in {production_store(look).place}",
        source=found.place,
        observed_at=look.now(),
        facts={"present": 1, "place": found.place, "is_value_readable": found.value is not None},
    )
