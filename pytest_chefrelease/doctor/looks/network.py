"""Addresses, databases, and what vendors keep."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from pytest_chefrelease.doctor.looks.around import Around
from pytest_chefrelease.doctor.looks.clock import clock_against, clock_of
from pytest_chefrelease.doctor.source import Source
from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.http_answer import Answer
from pytest_chefrelease.probes.vendor_answers import refuse

_TABLE = "_prisma_migrations"


async def http(source: Source, around: Around) -> str:
    """Somebody answers there; what, is for the items to judge."""
    answer = await around.probes.http.get(str(source.place))
    return ", ".join(filter(None, [f"answers {answer.status} at {answer.url}", clock_of(answer)]))


async def database(source: Source, around: Around) -> str:
    """Connected, read-only, and the migrations' history may be read."""
    url = around.variable(str(source.place), source.remedy)
    async with around.probes.postgres(url).session() as session:
        ((version, now),) = await session.rows("SELECT current_setting('server_version'), now()")
        readable = await session.rows(
            "SELECT has_table_privilege(c.oid, 'SELECT') FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s",
            (session.database.schema, _TABLE),
        )
        where = session.database.where
    if readable == [(False,)]:
        raise NotConfigured(
            f"{_TABLE} is there, but may not be read",
            where=where,
            remedy=f"GRANT SELECT ON {_TABLE} to the URL's role.",
        )
    clock = clock_against(now, datetime.now(UTC), where) if isinstance(now, datetime) else ""
    history = "" if readable else "no migrations' history yet"
    return ", ".join(filter(None, [f"PostgreSQL {version} at {where}", history, clock]))


async def redis(source: Source, around: Around) -> str:
    """It answers, and tells of its memory."""
    probe = around.probes.redis(around.variable(str(source.place), source.remedy))
    pong = await probe.look()
    return f"Redis {pong.version} at {probe.where}, PONG in {pong.ping_ms:.1f} ms"


async def secrets(source: Source, around: Around) -> str:
    """Which of the required secrets the store has; no value is looked at."""
    from pytest_chefrelease.probes.secret_stores.choose import StoreSurroundings, choose_store

    table = around.settings.secrets
    store = choose_store(
        str(source.place),
        StoreSurroundings(
            repository=around.repository,
            environment=around.environment,
            http=around.probes.http,
            app=around.settings.provider.app,
            token_env=table.token_env,
            api_url=table.api_url,
        ),
    )
    is_env = str(source.place).startswith("env")
    missing, found = [], 0
    for name, rule in table.all_required.items():
        stored = await store.find(name if is_env else rule.stored_as or name)
        found += stored is not None
        if stored is None and not rule.optional:
            missing.append(name)
    if missing:
        raise NotConfigured(
            f"{store.place} has {found} of {len(table.all_required)}; {', '.join(missing)} missing",
            remedy=source.remedy,
        )
    return f"{store.place} has {found} of {len(table.all_required)}"


async def provider(source: Source, around: Around) -> str:
    """The application as its provider shows it to the token."""
    from pytest_chefrelease.probes.providers.choose import ProviderSurroundings, choose_provider

    table = around.settings.provider
    surroundings = ProviderSurroundings(
        repository=around.repository,
        environment=around.environment,
        http=around.probes.http,
        token_env=table.token_env,
        api_url=table.api_url,
        registry=table.registry,
    )
    chosen = choose_provider(str(table.name), surroundings)
    deployed = await chosen.deployed(str(source.place))
    count = len(deployed.instances)
    return f"{deployed.place} is readable, {count} instance{'s' * (count != 1)}"


async def automatic(source: Source, around: Around) -> str:
    """What the provider says of the backups that it takes."""
    from pytest_chefrelease.probes.backups.automatic import ask_automatic, surroundings_of

    settings = around.settings
    given = surroundings_of(settings, str(source.place), around.environment, around.probes.http)
    found = await ask_automatic(str(source.place), given)
    return "; ".join(f"{one.place}: {one.said}" for one in found)


async def sentry(source: Source, around: Around) -> str:
    """The project. Source: Sentry's API, "Retrieve a Project"."""
    table = around.settings.sentry
    token = around.variable(table.token_env, f"Export {table.token_env} with project:read.")
    path = f"/api/0/projects/{quote(str(table.organization))}/{quote(str(table.project))}/"
    answer = await around.probes.http.get(
        table.api_url + path, headers={"authorization": f"Bearer {token}"}
    )
    refuse(answer, "Sentry", table.token_env)
    if answer.status == 404:
        raise NotConfigured(
            f"Sentry shows no project {source.place} to the token",
            where=answer.url,
            remedy="Correct [sentry] in release.toml, or give the token project:read.",
        )
    return f"{source.place} is readable"


async def alerts(source: Source, around: Around) -> str:
    """How many alerts there are. Source: Alertmanager's API v2."""
    from pytest_chefrelease.probes.alertmanager import AlertmanagerApi

    table = around.settings.alerts
    name = table.token_env
    token = around.variable(name, f"Export {name}, a token that may read alerts.") if name else None
    api = AlertmanagerApi(around.probes.http, str(source.place), token, name or "")
    count = len(await api.alerts(table.matchers))
    return f"{count} alert{'s' * (count != 1)} at {source.place}"


async def metrics(source: Source, around: Around) -> str:
    """How many of the application's instances Prometheus scrapes."""
    from pytest_chefrelease.probes.prometheus import PrometheusApi, selector

    table = around.settings.prometheus
    name = table.token_env
    token = around.variable(name, f"Export {name}, a token that may query.") if name else None
    api = PrometheusApi(around.probes.http, str(source.place), token, name or "")
    count = len(await api.query(f"up{selector(table.matchers)}"))
    return f"{count} instance{'s' * (count != 1)} scraped by {source.place}"


async def logs(source: Source, around: Around) -> str:
    """Files that match, a program that is here, or a Loki that is ready."""
    kind, _, rest = str(source.place).partition(":")
    if kind == "file":
        return _files(rest, around.directory)
    if kind == "loki":
        answer: Answer = await around.probes.http.get(f"{rest.rstrip('/')}/ready")
        return f"Loki answers {answer.status}"
    return f"{source.place} (read when the items are)"


def _files(pattern: str, directory: Path) -> str:
    path = Path(pattern).expanduser()
    base = Path(path.anchor) if path.is_absolute() else directory
    relative = str(path.relative_to(path.anchor)) if path.is_absolute() else str(path)
    count = sum(1 for _ in base.glob(relative))
    if not count:
        raise NotConfigured(f"no file matches {pattern}", remedy="Correct logs.source.")
    return f"{count} file{'s' * (count != 1)} match {pattern}"
