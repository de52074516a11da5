"""Finds production's and staging's secrets by the settings, and says so where there is none."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.errors import (
    Failed,
    NotApplicable,
    NotConfigured,
    ProbeError,
    Unverified,
)
from pytest_chefrelease.probes.secret_stores.choose import StoreSurroundings, choose_store
from pytest_chefrelease.probes.secret_stores.store import SecretStore, Stored
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.secret import Secret
from pytest_chefrelease.runbook.secret_strength import emptiness
from pytest_chefrelease.settings.model import RequiredSecret, Settings

_OFF = ("", "0", "false", "no", "off")


def names(settings: Settings, _stage: Stage) -> Sequence[str]:
    """The secrets that production must have: one check each."""
    return tuple(settings.secrets.all_required)


def rule_of(look: Context, name: str) -> RequiredSecret:
    """What settings ask of a secret."""
    return look.settings.secrets.all_required[name]


def production_store(look: Context) -> SecretStore:
    """Where production reads its secrets."""
    return store_at(look, look.settings.secrets.source)


def staging_store(look: Context) -> SecretStore:
    """Where staging reads its secrets."""
    return store_at(look, look.settings.secrets.staging_source)


async def production(look: Context, name: str) -> Stored:
    """The secret where production reads it.

    Raises Failed where it is missing, NotApplicable where it may be, and Unverified where
    nobody said where production reads it.
    """
    store = production_store(look)
    found = await store.find(_stored_as(look, name))
    if found is not None:
        return found
    raise await _absence(look, name, store)


async def production_value(look: Context, name: str) -> tuple[Secret, str]:
    """The secret's value, and where it stands, for all items but secrets.present.

    From the second source where the first gives no values. Raises NotApplicable where there is
    no value (secrets.present says so, once), and Unverified where no source gives it.
    """
    try:
        found = await production(look, name)
    except Failed as missing:
        raise NotApplicable(f"{missing.seen}: see secrets.present") from None
    if found.value is not None:
        problem = emptiness(found.value.reveal())
        if problem is not None:
            raise NotApplicable(f"{name} {problem}: see secrets.present")
        return found.value, found.place
    second = look.settings.secrets.values
    if second is not None:
        stored = await store_at(look, second).find(name)
        if stored is not None and stored.value is not None:
            return stored.value, stored.place
    raise Unverified(
        f"{found.place} is there, but its store gives no values",
        expected="the value, to judge it",
        remedy=f"Set secrets.values to where {name} can be read as well, such as env.",
    )


async def staging_value(look: Context, name: str) -> tuple[Secret, str] | None:
    """Staging's value of a secret, and where it stands; None where it cannot be read."""
    rule = rule_of(look, name)
    from_env = look.settings.secrets.staging_source.startswith("env")
    stored = await staging_store(look).find(name if from_env else rule.stored_as or name)
    if stored is None or stored.value is None or not stored.value.reveal().strip():
        return None
    return stored.value, stored.place


async def known_values(look: Context) -> dict[str, Secret]:
    """Every value of production that can be read, by name; what cannot is left out."""
    found: dict[str, Secret] = {}
    for name in look.settings.secrets.all_required:
        try:
            value, _ = await production_value(look, name)
        except (NotApplicable, Unverified):
            continue  # its own check says so
        found[name] = value
    return found


async def staging_values(look: Context) -> dict[str, Secret]:
    """Every value of staging that can be read, by name."""
    found: dict[str, Secret] = {}
    for name in look.settings.secrets.all_required:
        try:
            value = await staging_value(look, name)
        except ProbeError:
            continue  # secrets.distinct says so
        if value is not None:
            found[name] = value[0]
    return found


def store_at(look: Context, source: str) -> SecretStore:
    """The store that a source names. Raises NotConfigured where something of it is missing."""
    table = look.settings.secrets
    around = StoreSurroundings(
        repository=look.repository,
        environment=look.environment,
        http=look.probes.http,
        app=look.settings.provider.app,
        token_env=table.token_env,
        api_url=table.api_url,
    )
    return choose_store(source, around)


def _stored_as(look: Context, name: str) -> str:
    return rule_of(look, name).stored_as or name


async def _absence(
    look: Context, name: str, store: SecretStore
) -> Failed | NotApplicable | Unverified:
    """What it means that production's store has no secret of that name."""
    rule = rule_of(look, name)
    if rule.optional and not await _is_switched_on(look, rule, store):
        switch = f" and {rule.required_if} is off" if rule.required_if else ""
        return NotApplicable(f"{name} is optional{switch}, and not in {store.place}")
    if "source" not in look.settings.secrets.model_fields_set:
        return Unverified(
            f"{name} is not in {store.place} here, and nobody said where production reads it",
            expected=f"a value for {name}",
            remedy=f"Set secrets.source in release.toml, or export {name} where pytest runs.",
        )
    return Failed(
        f"{name} is missing",
        expected="a value where production reads it",
        where=store.place,
        remedy=f"Set {name} there; where it is not needed, set optional = true under "
        f"[secrets.required.{name}].",
    )


async def _is_switched_on(look: Context, rule: RequiredSecret, store: SecretStore) -> bool:
    """Whether the variable that makes an optional secret necessary is on."""
    switch = rule.required_if
    if switch is None:
        return False
    matrix = look.settings.env.get(switch)
    if matrix is not None and matrix.equals is not None:
        return matrix.equals.lower() not in _OFF
    try:
        stored = await store.find(switch)
    except NotConfigured:
        return False
    if stored is not None and stored.value is not None:
        return stored.value.reveal().strip().lower() not in _OFF
    return look.environment.get(switch, "").strip().lower() not in _OFF
