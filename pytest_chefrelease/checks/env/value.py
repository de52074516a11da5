"""env.value: a variable of the matrix has the production value."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.env.differences import differences, shown
from pytest_chefrelease.checks.env.matrix import matrix
from pytest_chefrelease.checks.env.reading import (
    WEB_PREFIX,
    is_source_configured,
    production_variable,
    source_of,
)
from pytest_chefrelease.checks.secrets.stored import known_values, store_at
from pytest_chefrelease.errors import Failed, NotApplicable, Unverified
from pytest_chefrelease.probes.secret_stores.store import Stored
from pytest_chefrelease.runbook.environment_matrix import Around, Expected, is_off
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage, Symptom
from pytest_chefrelease.settings.model import Settings


def _names(settings: Settings, _stage: Stage) -> Sequence[str]:
    return tuple(matrix(settings))


@check(
    Item(
        id="env.value",
        title="The variable has the production value",
        stages=(Stage.PRERELEASE, Stage.POSTRELEASE),
        severity=Severity.P2,
        section=Section.ENVIRONMENT,
        symptom=Symptom.WRONG_ENVIRONMENT,
        minimum=Minimum(counts={"read": 1}, facts=("expected",)),
        remedy="Correct it where production reads it, and restart.",
    ),
    each=_names,
)
async def env_value(look: Context, name: str) -> Evidence:
    """The variable where production reads it, against the matrix; public ones hold no secret."""
    expected = matrix(look.settings)[name]
    stored = await production_variable(look, name)
    if stored is not None and stored.value is None:
        raise Unverified(
            f"{stored.place} is there, but its store gives no values",
            expected=expected.text,
            remedy="Set secrets.values or environment_matrix.source to where it can be read too.",
        )
    value = stored.value.reveal() if stored is not None and stored.value is not None else None
    await _demand_object(look, name, expected, value)
    await _demand_readable(look, name, expected, value)
    seen = await _evidence(look, name, expected, stored)
    problem = await _problem(look, name, expected, value)
    if problem is not None:
        raise Failed(
            f"{name}: {problem}",
            expected=expected.text,
            where=seen.source,
            remedy=f"Set {name} to {expected.text} there, and restart.",
            evidence=seen,
        )
    return seen


async def _demand_object(look: Context, name: str, expected: Expected, value: str | None) -> None:
    if expected.no_object is not None and is_off(value):
        raise NotApplicable(f"{expected.no_object}; {name} is off")
    if expected.only_with is not None:
        other = await production_variable(look, expected.only_with)
        if other is None or (other.value is not None and not other.value.reveal().strip()):
            raise NotApplicable(f"{expected.only_with} is not set, so {name} has no object")


async def _demand_readable(look: Context, name: str, expected: Expected, value: str | None) -> None:
    """Raise Unverified for an absent variable where no other of the matrix is to be found either.

    Where a source holds no variable of the matrix at all, production's are somewhere else: that
    one of them is unset is no evidence then. One that must be set is missing in a named source.
    """
    if value is not None or (is_source_configured(look) and not expected.may_be_unset):
        return
    for other in matrix(look.settings):
        if other != name and _holds(await production_variable(look, other)):
            return
    named = source_of(look)
    remedy = (
        f"Correct the source that release.toml names ({named})."
        if is_source_configured(look)
        else "Say where production's variables are read: secrets.source (or "
        "environment_matrix.source) in release.toml; or export them where pytest runs."
    )
    raise Unverified(
        f"{name} cannot be read: no variable of the matrix is set here",
        expected="production's environment",
        where=store_at(look, named).place,
        remedy=remedy,
    )


def _holds(stored: Stored | None) -> bool:
    """Whether the source has a variable, with a value or one that it does not show."""
    return stored is not None and (stored.value is None or bool(stored.value.reveal().strip()))


async def _problem(look: Context, name: str, expected: Expected, value: str | None) -> str | None:
    if value is None and not expected.may_be_unset:
        return "it is not set"
    if name.startswith(WEB_PREFIX) and value:
        known = await known_values(look)
        held = [secret for secret, it in known.items() if it.reveal() and it.reveal() in value]
        if held:
            return f"it holds the value of {held[0]}, and everybody can read it"
    return expected.judge(value or "", await _around(look, expected))


async def _around(look: Context, expected: Expected) -> Around:
    values: dict[str, str] = {}
    for other in expected.needs:
        stored = await production_variable(look, other)
        if stored is not None and stored.value is not None:
            values[other] = stored.value.reveal()
    return Around(
        values=values,
        version=look.release.version,
        commit=look.release.commit,
        api=look.settings.target.api,
        is_deployed=look.stage is not Stage.PRERELEASE,
    )


async def _evidence(
    look: Context, name: str, expected: Expected, stored: Stored | None
) -> Evidence:
    told = await shown(look, name, stored)
    is_first = name == next(iter(matrix(look.settings)))
    return Evidence(
        summary=f"{name} is {told}",
        source=stored.place if stored else store_at(look, source_of(look)).place,
        observed_at=look.now(),
        facts={"read": 1, "expected": expected.text, "value": told},
        commit=look.release.commit,
        # One table for the whole matrix: it stands beside its first variable.
        attachments=(await differences(look),) if is_first else (),
    )
