"""Staging as the target of a check."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.errors import NotConfigured

MAX_AGE = timedelta(hours=4)
"""How old evidence of staging may be (DESIGN.md section 3, rule 5)."""


def at_staging(look: Context, kind: str = "api") -> Context:
    """The same surroundings with staging as the target, and staging's test account.

    ``kind`` is the address that is needed. Raises NotConfigured where it is missing.
    """
    settings, staging = look.settings, look.settings.staging
    if (staging.api if kind == "api" else staging.web) is None:
        raise NotConfigured(
            f"no {kind} address of staging is configured",
            remedy=f"Set environments.staging.{kind} in release.toml.",
        )
    own = settings.staging_checks
    login = {"user_env": own.user_env, "password_env": own.password_env}
    changed = settings.model_copy(
        update={
            "release": settings.release.model_copy(update={"environment": "staging"}),
            "login": settings.login.model_copy(update=login),
            # The origin that production allows is another; staging's is its own web front.
            "preflight": settings.preflight.model_copy(
                update={"allowed_origin": staging.web or settings.preflight.allowed_origin}
            ),
        }
    )
    return replace(look, settings=changed)
