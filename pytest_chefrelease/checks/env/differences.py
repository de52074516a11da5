"""How staging's and production's variables differ, and what of a value may be shown."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.env.matrix import matrix
from pytest_chefrelease.checks.env.reading import production_variable, staging_variable
from pytest_chefrelease.checks.secrets.stored import known_values
from pytest_chefrelease.errors import ProbeError
from pytest_chefrelease.probes.secret_stores.store import Stored
from pytest_chefrelease.runbook.evidence import Table

_SECRET_NAME = re.compile(r"SECRET|PASSWORD|TOKEN|PRIVATE|CREDENTIAL|API_?KEY|DSN", re.IGNORECASE)
_FLAG_NAME = re.compile(r"_(?:REQUIRED|ENABLED)$", re.IGNORECASE)
_LONGEST = 120
_SHORTEST_SECRET = 12


async def differences(look: Context) -> Table:
    """Each variable of the matrix with both values, those that differ first."""
    rows = []
    for name in matrix(look.settings):
        try:
            here = await production_variable(look, name)
        except ProbeError:
            here = None  # its own check says so
        there = await staging_variable(look, name)
        mine, theirs = await shown(look, name, here), await shown(look, name, there)
        values = [each.value if each else None for each in (here, there)]
        state = "same" if values[0] == values[1] else "differs"
        rows.append((name, theirs, mine, "not read" if there is None else state))
    rows.sort(key=lambda row: ("differs", "not read", "same").index(row[3]))
    return Table("Variables", ("variable", "staging", "production", ""), tuple(rows))


async def shown(look: Context, name: str, stored: Stored | None) -> str:
    """A value as reports may show it: nothing that is or looks like a secret."""
    if stored is None:
        return "unset"
    if stored.value is None:
        return "set"
    value = stored.value.reveal()
    if not value.strip():
        return "empty"
    is_named_so = _SECRET_NAME.search(name) and not _FLAG_NAME.search(name)
    if is_named_so or _holds_password(value) or await _is_known(look, value):
        return "(hidden)"
    return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"


async def _is_known(look: Context, value: str) -> bool:
    if len(value) < _SHORTEST_SECRET:
        return False  # so that a store far away is not asked for every flag
    known = await known_values(look)
    return any(each.reveal() and each.reveal() in value for each in known.values())


def _holds_password(value: str) -> bool:
    try:
        return bool(urlsplit(value).password)
    except ValueError:
        return True
