"""Sources that a vendor keeps: secrets, deploys, issues, logs. By settings alone."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_chefrelease.doctor.source import Kind, Source, Touch
from pytest_chefrelease.probes.providers import fly_api, registry, render_api
from pytest_chefrelease.probes.secret_stores import gcp
from pytest_chefrelease.settings.model import ProviderTable, Settings

_PROVIDER_ITEMS = (
    *("deploy.executed", "deploy.instances", "rollback.*", "version.coherence"),
    *("staging.same-code", "incident.flags"),
)
_SECRET_ITEMS = (
    *("secrets.present", "secrets.strength", "secrets.rotation", "secrets.distinct"),
    *("secrets.not-in-repository", "secrets.not-served", "secrets.jwt-rotation"),
    *("secrets.old-is-dead", "env.value"),
)
_HOSTS = {
    "fly": fly_api.API_URL,
    "render": render_api.API_URL,
    "gcp": gcp.API_URL,
    "aws": "AWS Secrets Manager in the region of AWS's own settings",
    "aws-parameters": "AWS Parameter Store in the region of AWS's own settings",
}
_TOKENS = {
    "fly": fly_api.TOKEN_NAME,
    "render": render_api.TOKEN_NAME,
    "gcp": gcp.TOKEN_NAME,
    "docker": registry.TOKEN_NAME,
}


def sources_of(settings: Settings) -> tuple[Source, ...]:
    """What vendors keep of the release, configured or not."""
    return (
        *_stores(settings),
        _provider(settings.provider),
        _automatic(settings),
        _sentry(settings),
        _alerts(settings),
        _prometheus(settings),
        _locust(settings),
        _logs(settings),
    )


def _stores(settings: Settings) -> Iterator[Source]:
    table = settings.secrets
    yield _store(settings, table.source, "production's secrets", _SECRET_ITEMS)
    if table.values:
        yield _store(settings, table.values, "production's values", _SECRET_ITEMS)
    yield _store(settings, table.staging_source, "staging's secrets", ("secrets.distinct",))


def _store(settings: Settings, source: str, title: str, items: tuple[str, ...]) -> Source:
    kind, _, rest = source.partition(":")
    touches: tuple[Touch, ...] = ()
    credentials: tuple[str, ...] = ()
    if kind == "env":
        credentials = tuple(rest + name for name in settings.secrets.all_required)
    elif kind == "env-file":
        touches = (Touch("read", rest),)
    else:
        touches = (Touch("GET", settings.secrets.api_url or _HOSTS[kind], is_host=True),)
        credentials = tuple(filter(None, [settings.secrets.token_env or _TOKENS.get(kind)]))
    key = "staging_source" if title.startswith("staging") else "source"
    return Source(
        name=f"{title} ({source})",
        kind=Kind.SECRETS,
        items=items,
        place=source,
        touches=touches,
        credentials=credentials,
        remedy=f"Set secrets.{key} in release.toml to where they are, or export what is missing.",
    )


def _provider(provider: ProviderTable) -> Source:
    name = provider.name
    host = provider.api_url or _HOSTS.get(name or "") or provider.registry
    touches = [Touch("GET", host, is_host=True)] if host else []
    touches += [Touch("run", "docker inspect, docker ps")] if name == "docker" else []
    token = provider.token_env or _TOKENS.get(name or "")
    needs_token = name in ("fly", "render") or bool(provider.registry)
    return Source(
        name=f"the provider ({name})" if name else "the provider",
        kind=Kind.PROVIDER,
        items=_PROVIDER_ITEMS,
        place=provider.app if name else None,
        touches=tuple(touches),
        credentials=(token,) if token and needs_token else (),
        remedy="Set name and app under [provider] in release.toml.",
    )


def _automatic(settings: Settings) -> Source:
    source, provider = settings.backup.automatic, settings.provider
    kind = (source or "").partition(":")[0]
    is_same = kind == provider.name
    host = (provider.api_url if is_same else settings.backup.api_url) or _HOSTS.get(kind)
    token = (provider.token_env if is_same else None) or _TOKENS.get(kind)
    return Source(
        name="automatic backups",
        kind=Kind.AUTOMATIC,
        items=("backup.automatic",),
        place=source,
        touches=(Touch("GET", host, is_host=True),) if host else (),
        credentials=(token,) if token else (),
        remedy="Set backup.automatic in release.toml: fly:APP or render:DATABASE_ID.",
        is_optional=True,
    )


def _sentry(settings: Settings) -> Source:
    sentry = settings.sentry
    is_there = bool(sentry.organization and sentry.project)
    return Source(
        name="Sentry",
        kind=Kind.SENTRY,
        items=("sentry.*", "version.coherence"),
        place=f"{sentry.organization}/{sentry.project}" if is_there else None,
        touches=(Touch("GET", sentry.api_url, is_host=True),) if is_there else (),
        credentials=(sentry.token_env,) if is_there else (),
        remedy="Set organization and project under [sentry] in release.toml.",
        is_optional=True,
    )


def _alerts(settings: Settings) -> Source:
    alerts = settings.alerts
    return Source(
        name="Alertmanager",
        kind=Kind.ALERTS,
        items=("alerts.*",),
        place=alerts.url,
        touches=(Touch("GET", alerts.url, is_host=True),) if alerts.url else (),
        credentials=(alerts.token_env,) if alerts.url and alerts.token_env else (),
        remedy="Set alerts.url in release.toml.",
        is_optional=True,
    )


def _prometheus(settings: Settings) -> Source:
    table = settings.prometheus
    return Source(
        name="Prometheus",
        kind=Kind.METRICS,
        items=("metrics.*", "latency.p95"),
        place=table.url,
        touches=(Touch("GET", table.url, is_host=True),) if table.url else (),
        credentials=(table.token_env,) if table.url and table.token_env else (),
        remedy="Set prometheus.url in release.toml.",
        is_optional=True,
    )


def _locust(settings: Settings) -> Source:
    path = settings.latency.locust
    return Source(
        name="Locust's statistics",
        kind=Kind.LOAD,
        items=("latency.p95",),
        place=path,
        touches=(Touch("read", path),) if path else (),
        remedy="Set latency.locust in release.toml to the file of locust --json-file.",
        is_optional=True,
    )


def _logs(settings: Settings) -> Source:
    table = settings.logs
    kind, _, rest = (table.source or "").partition(":")
    verb = {"file": "read", "command": "run", "fly": "run"}.get(kind, "GET")
    place = rest or kind
    if kind == "render":
        place = settings.provider.api_url or _HOSTS[kind]
    elif kind == "fly":
        place = f"fly logs of {rest or settings.provider.app}"
    return Source(
        name="the application's logs",
        kind=Kind.LOGS,
        items=("logs.*", *(("latency.p95",) if settings.latency.source == "logs" else ())),
        place=table.source,
        touches=(Touch(verb, place, is_host=verb == "GET"),) if table.source else (),
        credentials=_log_credentials(settings, kind),
        remedy='Set logs.source in release.toml, such as "file:/var/log/api/*.json".',
    )


def _log_credentials(settings: Settings, kind: str) -> tuple[str, ...]:
    table = settings.logs
    if kind == "command":
        return table.variables
    if kind in ("render", "fly"):
        return (table.token_env or settings.provider.token_env or _TOKENS[kind],)
    return (table.token_env,) if table.token_env else ()
