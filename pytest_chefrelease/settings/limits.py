"""The limits that settings hold, by their keys in release.toml."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from math import inf

from pytest_chefrelease.runbook.limits import Limit, Looser
from pytest_chefrelease.settings.model import Settings

_HIGHER = (
    *("ci.max_age", "backup.max_age", "database.max_used", "database.idle_in_transaction"),
    *("database.blocked", "routes.budget", "latency.p95", "latency.slower_share"),
    *("latency.locust_max_age", "latency.slower_least", "migrations.small_table"),
    *("drill.budget", "verdict.max_waivers"),
    *("ci.accept_skipped", "ci.accept_neutral", "verdict.allow_unverified"),
)
_LOWER = (
    *("backup.least_of_last", "tls.min_days", "sentry.crash_free", "monitoring.watch"),
    *("preflight.request_id_length", "backup.restore", "routes.browser"),
    "release.require_signature",
)
_MORE = ("routes.allowed_errors", "logs.known", "migrations.accepted_order", "backup.without")
_FEWER = ("routes.paths", "routes.protected", "preflight.rules", "latency.endpoints")


def limits_of(settings: Settings) -> tuple[Limit, ...]:
    """Every limit; a flag is 1 where it is set, no limit at all is infinite."""
    return tuple(_limits(settings))


def _limits(settings: Settings) -> Iterator[Limit]:
    numbers: tuple[tuple[tuple[str, ...], Looser], ...] = (
        (_HIGHER, Looser.HIGHER),
        (_LOWER, Looser.LOWER),
    )
    for keys, looser in numbers:
        for key in keys:
            yield _number(key, looser, _value(settings, key))
    for names, looser in ((_MORE, Looser.MORE), (_FEWER, Looser.FEWER)):
        for key in names:
            yield Limit(key, looser, tuple(map(str, _entries(settings, key))))
    yield Limit("not_applicable", Looser.MORE, tuple(settings.not_applicable))
    yield Limit("secrets.required", Looser.FEWER, tuple(settings.secrets.required))
    for name, secret in settings.secrets.required.items():
        key = f"secrets.required.{name}"
        yield _number(f"{key}.min_length", Looser.LOWER, secret.min_length)
        yield _number(f"{key}.rotate", Looser.HIGHER, secret.rotate)
    endpoints = {f"{each.method} {each.path}": each.status for each in settings.smoke.endpoints}
    yield Limit("smoke.endpoints", Looser.FEWER, tuple(endpoints))
    for name, statuses in endpoints.items():
        yield Limit(f"smoke.endpoints: {name}", Looser.MORE, tuple(map(str, statuses)))
    changed = settings.items.items()
    shadows = tuple(name for name, item in changed if item.shadow)
    yield Limit("items, as shadow", Looser.MORE, shadows)
    advisory = tuple(name for name, item in changed if item.blocking is False)
    yield Limit("items, not blocking", Looser.MORE, advisory)


def _value(settings: Settings, key: str) -> object:
    value: object = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value


def _entries(settings: Settings, key: str) -> tuple[object, ...]:
    value = _value(settings, key)
    return value if isinstance(value, tuple) else ()


def _number(key: str, looser: Looser, value: object) -> Limit:
    """A limit that is not set lets everything through."""
    if isinstance(value, timedelta):
        return Limit(key, looser, value.total_seconds(), "s")
    if isinstance(value, bool):
        return Limit(key, looser, float(value), "flag")
    if isinstance(value, int | float):
        return Limit(key, looser, float(value))
    return Limit(key, looser, inf if looser is Looser.HIGHER else 0.0)
