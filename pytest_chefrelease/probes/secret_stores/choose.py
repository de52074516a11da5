"""Chooses a store by the words of ``secrets.source``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.http import HttpProbe
from pytest_chefrelease.probes.providers import fly_api, render_api
from pytest_chefrelease.probes.providers.fly_api import FlyApi
from pytest_chefrelease.probes.providers.render_api import RenderApi
from pytest_chefrelease.probes.secret_stores import gcp
from pytest_chefrelease.probes.secret_stores.aws import ParameterStore, SecretsManagerStore
from pytest_chefrelease.probes.secret_stores.env import EnvironmentStore
from pytest_chefrelease.probes.secret_stores.env_file import EnvFileStore
from pytest_chefrelease.probes.secret_stores.fly import FlyStore
from pytest_chefrelease.probes.secret_stores.render import RenderStore
from pytest_chefrelease.probes.secret_stores.store import SecretStore
from pytest_chefrelease.probes.vendor_answers import token_from


@dataclass(frozen=True, slots=True)
class StoreSurroundings:
    """What stores are made from.

    Paths are relative to ``repository``; ``app`` is the provider's application or service;
    ``token_env`` and ``api_url`` replace the vendor's usual ones.
    """

    repository: Path
    environment: Mapping[str, str] = field(repr=False)
    http: HttpProbe
    app: str | None = None
    token_env: str | None = None
    api_url: str | None = None


def choose_store(source: str, around: StoreSurroundings) -> SecretStore:
    """The store that a source such as ``env`` or ``env-file:.env.production`` names.

    Raises NotConfigured where its token or its application's name is missing.
    """
    kind, _, rest = source.partition(":")
    if kind == "env-file":
        return EnvFileStore(around.repository / Path(rest).expanduser())
    if kind == "fly":
        return _fly(rest, around)
    if kind == "render":
        return _render(rest, around)
    if kind == "aws":
        return SecretsManagerStore(rest)
    if kind == "aws-parameters":
        return ParameterStore(rest)
    if kind == "gcp":
        return _gcp(rest, around)
    return EnvironmentStore(around.environment, prefix=rest)


def _fly(app: str, around: StoreSurroundings) -> SecretStore:
    name = around.token_env or fly_api.TOKEN_NAME
    token = token_from(around.environment, name, fly_api.VENDOR)
    api = FlyApi.at(around.http, token, api_url=around.api_url, token_name=name)
    return FlyStore(api, _app(app, around, "fly"))


def _render(service: str, around: StoreSurroundings) -> SecretStore:
    name = around.token_env or render_api.TOKEN_NAME
    token = token_from(around.environment, name, render_api.VENDOR)
    api = RenderApi.at(around.http, token, api_url=around.api_url, token_name=name)
    return RenderStore(api, _app(service, around, "render"))


def _gcp(rest: str, around: StoreSurroundings) -> SecretStore:
    project, _, prefix = rest.partition("/")
    return gcp.GcpStore(
        http=around.http,
        project=project,
        variables=around.environment,
        prefix=prefix,
        api_url=around.api_url or gcp.API_URL,
        token_name=around.token_env or gcp.TOKEN_NAME,
    )


def _app(named: str, around: StoreSurroundings, source: str) -> str:
    app = named or around.app
    if not app:
        raise NotConfigured(
            "no application is named whose secrets are meant",
            remedy=f"Set secrets.source = '{source}:NAME' or provider.app in release.toml.",
        )
    return app
