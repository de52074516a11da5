"""secrets.rotation: a secret was changed within its schedule, by the provider's own record."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.secrets.stored import names, production, production_store, rule_of
from pytest_chefrelease.errors import Failed, NotApplicable, Unverified
from pytest_chefrelease.probes.secret_stores.store import Stored
from pytest_chefrelease.runbook.evidence import Evidence, Fact
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.settings.model import RequiredSecret

_AGREE = timedelta(days=2)
"""A record by hand names a day, perhaps the one before or after in another time zone."""
_CLOCKS = timedelta(minutes=5)


@check(
    Item(
        id="secrets.rotation",
        title="The secret was rotated within its schedule",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.SECRETS,
        quick_check=4,
        minimum=Minimum(facts=("changed_at", "record")),
        remedy="Rotate it by the runbook's JWT_SECRET Rotation Procedure: openssl rand -base64 32.",
    ),
    each=names,
)
async def secrets_rotation(look: Context, name: str) -> Evidence:
    """The store's date of the value; a recorded one where the store keeps none."""
    rule = rule_of(look, name)
    if rule.rotate is None:
        raise NotApplicable(f"{name} has no rotation schedule: it is changed on compromise")
    try:
        found = await production(look, name)
    except Failed as missing:
        raise NotApplicable(f"{missing.seen}: see secrets.present") from None
    changed, record = _changed(look, name, rule, found)
    age = look.now() - changed
    left = rule.rotate - age
    facts: dict[str, Fact] = {
        "changed_at": changed.isoformat(timespec="seconds"),
        "record": record,
        "age_days": round(age / timedelta(days=1), 1),
        "allowed_days": round(rule.rotate / timedelta(days=1), 1),
        "left_days": round(left / timedelta(days=1), 1),
    }
    seen = Evidence(
        f"{name} was changed {age.days} days ago, {max(0, left.days)} days before it is due",
        f"{found.place}, {record}",
        look.now(),
        facts,
    )
    if age < -_CLOCKS:
        raise Unverified(
            f"{name} was changed in the future, on {changed.date()}",
            expected="a date that has passed",
            where=seen.source,
            remedy=f"Correct rotated_on under [secrets.required.{name}], or the clock here.",
            evidence=seen,
        )
    if left < timedelta(0):
        raise Failed(
            f"{name} was last changed {age.days} days ago, on {changed.date()}",
            expected=f"within {rule.rotate.days} days",
            where=seen.source,
            evidence=seen,
        )
    return seen


def _changed(look: Context, name: str, rule: RequiredSecret, found: Stored) -> tuple[datetime, str]:
    """When the value last changed, and who says so. Raises Unverified."""
    recorded = _start_of(rule.rotated_on) if rule.rotated_on else None
    store = production_store(look)
    if found.changed_at is None and recorded is None:
        keeps = "keeps no dates" if not store.keeps_dates else "has no date of it"
        raise Unverified(
            f"nobody says when {name} was last changed: {store.place} {keeps}",
            expected="the provider's record, or a recorded rotation",
            where=store.place,
            remedy=f"Set rotated_on = {look.now().date()} (the day of the last rotation) under "
            f"[secrets.required.{name}] in release.toml.",
        )
    if found.changed_at is None or recorded is None:
        by_provider = found.changed_at is not None
        record = f"by the record of {store.place}" if by_provider else "recorded in release.toml"
        return found.changed_at or recorded or look.now(), record
    if abs(found.changed_at - recorded) > _AGREE + timedelta(days=1):
        raise Unverified(
            f"two records of {name}'s last change differ: {store.place} says "
            f"{found.changed_at.date()}, release.toml says {recorded.date()}",
            expected="one date",
            where=store.place,
            remedy=f"Correct or remove rotated_on under [secrets.required.{name}].",
        )
    return found.changed_at, f"by the record of {store.place}"


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
