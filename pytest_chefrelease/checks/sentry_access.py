"""Sentry as settings name it, and the names that it may have for the release."""

from __future__ import annotations

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.sentry import SentryApi
from pytest_chefrelease.probes.vendor_answers import token_from


def sentry_of(look: Context) -> SentryApi | None:
    """The configured project, or None. Raises NotConfigured where the token is missing."""
    table = look.settings.sentry
    if not table.organization or not table.project:
        return None
    token = token_from(look.environment, table.token_env, "Sentry")
    return SentryApi(
        look.probes.http, table.api_url, table.organization, table.project, token, table.token_env
    )


def environment_name(look: Context, environment: str | None = None) -> str:
    """Sentry's name for an environment; the release's own may be set."""
    target = look.settings.release.environment
    if environment in (None, target):
        return look.settings.sentry.environment or target
    return str(environment)


def release_names(look: Context) -> tuple[str, ...]:
    """What Sentry may call the release: as settings say, or as SDKs and CI usually do.

    Raises NotConfigured where the release has neither a version nor a commit.
    """
    version, commit = look.release.version or "", look.release.commit or ""
    bare = version.removeprefix(look.settings.release.tag_prefix).removeprefix("v")
    pattern = look.settings.sentry.release
    if pattern is not None:
        told = {"{version}": version, "{bare}": bare, "{commit}": commit}
        for name, value in told.items():
            pattern = pattern.replace(name, value)
        return (pattern,)
    usual = (version, bare, f"{look.settings.sentry.project}@{bare}" if bare else "", commit)
    names = tuple(dict.fromkeys(name for name in usual if name))
    if not names:
        raise NotConfigured(
            "the release has neither a version nor a commit",
            remedy="Pass --release=VERSION, or run where the release is checked out.",
        )
    return names
