"""secrets.distinct: production's value is not staging's."""

from __future__ import annotations

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.secrets.stored import (
    names,
    production_value,
    rule_of,
    staging_store,
    staging_value,
)
from pytest_chefrelease.errors import Failed, NotApplicable, Unverified
from pytest_chefrelease.runbook.connection_secret import read_connection
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.runbook.secret import Secret


@check(
    Item(
        id="secrets.distinct",
        title="Production's secret differs from staging's",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.SECRETS,
        quick_check=4,
        minimum=Minimum(counts={"compared": 2}),
        remedy="Give production a value of its own: who knows staging's must not know it.",
    ),
    each=names,
)
async def secrets_distinct(look: Context, name: str) -> Evidence:
    """The two values are not the same; of connection strings, nor are the passwords."""
    mine, place = await production_value(look, name)
    kind = rule_of(look, name).kind
    if kind == "dsn":
        raise NotApplicable(
            f"{name} is a DSN: it lets send events, not read them, and environments share it"
        )
    found = await staging_value(look, name)
    if found is None:
        raise Unverified(
            f"staging's {name} cannot be read",
            expected="staging's value, to compare",
            where=staging_store(look).place,
            remedy=f"Export STAGING_{name} where pytest runs, or set secrets.staging_source.",
        )
    theirs, other_place = found
    seen = Evidence(
        f"{name} differs between production and staging",
        f"{place}, {other_place}",
        look.now(),
        {"compared": 2},
    )
    same = _same(name, mine, theirs) if kind == "connection" else _equal(mine, theirs)
    if same is not None:
        raise Failed(
            f"{name}: {same} in production and in staging",
            expected="two values",
            where=seen.source,
            evidence=seen,
        )
    return seen


def _equal(mine: Secret, theirs: Secret) -> str | None:
    is_same = mine.reveal().strip() == theirs.reveal().strip()
    return "the value is the same" if is_same else None


def _same(name: str, mine: Secret, theirs: Secret) -> str | None:
    if _equal(mine, theirs):
        return "the address is the same, so that staging works on production's data"
    passwords = [read_connection(name, each.reveal().strip()).password for each in (mine, theirs)]
    is_shared = passwords[0] is not None and passwords[0] == passwords[1]
    return "the password is the same" if is_shared else None
