"""Chooses a source of logs by the words of ``logs.source``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.http import HttpProbe
from pytest_chefrelease.probes.logs.command import CommandSource
from pytest_chefrelease.probes.logs.files import FileSource
from pytest_chefrelease.probes.logs.loki import LokiSource
from pytest_chefrelease.probes.logs.render import API_URL, TOKEN_NAME, RenderSource
from pytest_chefrelease.probes.logs.source import LogSource
from pytest_chefrelease.probes.vendor_answers import token_from
from pytest_chefrelease.settings.model import Settings

_FLY_TOKEN = "FLY_API_TOKEN"  # noqa: S105 (a variable's name)


@dataclass(frozen=True, slots=True)
class LogSurroundings:
    """What sources are made from; paths are relative to ``repository``."""

    settings: Settings
    repository: Path
    environment: Mapping[str, str] = field(repr=False)
    http: HttpProbe


def choose_log_source(around: LogSurroundings) -> LogSource:
    """The source that ``logs.source`` names. Raises NotConfigured."""
    source = around.settings.logs.source
    if source is None:
        raise NotConfigured(
            "no source of logs is configured",
            remedy='Set logs.source in release.toml, such as "file:/var/log/api/*.json".',
        )
    kind, _, rest = source.partition(":")
    if kind == "file":
        return FileSource(str(around.repository / Path(rest).expanduser()))
    if kind == "loki":
        return _loki(rest, around)
    if kind == "render":
        return _render(rest, around)
    if kind == "fly":
        return _fly(rest, around)
    given = around.settings.logs.variables
    variables = {name: around.environment[name] for name in given if name in around.environment}
    return CommandSource(rest, around.repository, variables)


def _loki(url: str, around: LogSurroundings) -> LogSource:
    table = around.settings.logs
    token = None
    if table.token_env is not None:
        token = token_from(around.environment, table.token_env, "Loki")
    return LokiSource(around.http, url.rstrip("/"), table.query, token, table.token_env or "")


def _render(service: str, around: LogSurroundings) -> LogSource:
    name = around.settings.logs.token_env or around.settings.provider.token_env or TOKEN_NAME
    return RenderSource(
        http=around.http,
        service=_app(service, around, "render"),
        token=token_from(around.environment, name, "Render"),
        api_url=around.settings.provider.api_url or API_URL,
        token_name=name,
    )


def _fly(app: str, around: LogSurroundings) -> LogSource:
    """Fly.io has no documented API for logs: its program prints the newest of them."""
    name = around.settings.logs.token_env or around.settings.provider.token_env or _FLY_TOKEN
    token = token_from(around.environment, name, "Fly.io")
    line = f"fly logs --no-tail --json --app {_app(app, around, 'fly')}"
    return CommandSource(line, around.repository, {_FLY_TOKEN: token})


def _app(named: str, around: LogSurroundings, source: str) -> str:
    app = named or around.settings.provider.app
    if not app:
        raise NotConfigured(
            "no application is named whose logs are meant",
            remedy=f"Set logs.source = '{source}:NAME' or provider.app in release.toml.",
        )
    return app
