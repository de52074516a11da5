"""Faults of the secrets that production reads."""

from __future__ import annotations

from pytest_chefrelease.rehearsal.faults.effects import Effect, setting, unsetting
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.runbook.item import Stage


def _missing(name: str, title: str, variable: str, apply: Effect) -> Fault:
    return Fault(name, title, Stage.PRERELEASE, apply, red=(f"secrets.present[{variable}]",))


def _weak(name: str, title: str, value: str) -> Fault:
    return Fault(
        name,
        title,
        Stage.PRERELEASE,
        setting(JWT_SECRET=value),
        red=("secrets.strength[JWT_SECRET]",),
    )


FAULTS = (
    _missing("secret-missing", "WH_SECRET is not set", "WH_SECRET", unsetting("WH_SECRET")),
    _missing("secret-empty", "SENTRY_DSN is set, to nothing", "SENTRY_DSN", setting(SENTRY_DSN="")),
    _weak("secret-short", "JWT_SECRET has 16 characters", "q7Xw2Lr9Tz4Bn8Vk"),
    _weak(
        "secret-placeholder",
        "JWT_SECRET is the example's placeholder",
        "change-me-to-a-secret-of-32-characters-or-more",
    ),
    _weak("secret-repeated", "JWT_SECRET is one letter, forty times", "a" * 40),
    _weak(
        "secret-keyboard",
        "JWT_SECRET runs along the keyboard",
        "qwertyuiopasdfghjklzxcvbnm1234567890",
    ),
)
