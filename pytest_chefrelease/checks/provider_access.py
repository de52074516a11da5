"""The provider as settings name it, and the applications that it runs."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.probes.providers.choose import ProviderSurroundings, choose_provider
from pytest_chefrelease.probes.providers.provider import Provider


def applications(look: Context) -> Mapping[str, str]:
    """The provider's names by part (``api``, ``web``); empty where no provider is configured."""
    provider = look.settings.provider
    named = {"api": provider.app, "web": provider.web_app} if provider.name else {}
    return {part: app for part, app in named.items() if app}


def provider_of(look: Context) -> Provider | None:
    """The configured provider, or None. Raises NotConfigured where its token is missing."""
    table = look.settings.provider
    if table.name is None:
        return None
    around = ProviderSurroundings(
        repository=look.repository,
        environment=look.environment,
        http=look.probes.http,
        token_env=table.token_env,
        api_url=table.api_url,
        registry=table.registry,
    )
    return choose_provider(table.name, around)
