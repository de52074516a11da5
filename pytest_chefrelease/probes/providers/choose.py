"""Chooses a provider by its name in settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_chefrelease.probes.http import HttpProbe
from pytest_chefrelease.probes.providers import fly_api, registry, render_api
from pytest_chefrelease.probes.providers.docker import Docker
from pytest_chefrelease.probes.providers.fly import Fly
from pytest_chefrelease.probes.providers.fly_api import FlyApi
from pytest_chefrelease.probes.providers.provider import Provider
from pytest_chefrelease.probes.providers.registry import Registry
from pytest_chefrelease.probes.providers.render import Render
from pytest_chefrelease.probes.providers.render_api import RenderApi
from pytest_chefrelease.probes.vendor_answers import token_from


@dataclass(frozen=True, slots=True)
class ProviderSurroundings:
    """What providers are made from; ``token_env`` and ``api_url`` replace the usual ones."""

    repository: Path
    environment: Mapping[str, str] = field(repr=False)
    http: HttpProbe
    token_env: str | None = None
    api_url: str | None = None
    registry: str | None = None


def choose_provider(name: str, around: ProviderSurroundings) -> Provider:
    """The provider of that name: fly, render or docker. Raises NotConfigured without a token."""
    if name == "fly":
        variable = around.token_env or fly_api.TOKEN_NAME
        token = token_from(around.environment, variable, fly_api.VENDOR)
        return Fly(FlyApi.at(around.http, token, api_url=around.api_url, token_name=variable))
    if name == "render":
        variable = around.token_env or render_api.TOKEN_NAME
        token = token_from(around.environment, variable, render_api.VENDOR)
        return Render(RenderApi.at(around.http, token, api_url=around.api_url, token_name=variable))
    return Docker(around.repository, around.environment, _registry(around))


def _registry(around: ProviderSurroundings) -> Registry | None:
    if around.registry is None:
        return None
    variable = around.token_env or registry.TOKEN_NAME
    credentials = around.environment.get(variable) or None
    return Registry(around.http, around.registry, credentials, variable)
