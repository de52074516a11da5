"""Every source of a release by its settings alone: no file, network or variable is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from pytest_chefrelease.doctor import vendors
from pytest_chefrelease.doctor.source import Kind, Source, Touch
from pytest_chefrelease.probes.backups.s3 import SCHEME
from pytest_chefrelease.settings.model import CommandRule, Environment, Settings

_READS = "GET, HEAD, OPTIONS"
_API_ITEMS = (
    *("health.*", "smoke.*", "preflight.*", "latency.*", "watch.*", "tls.*"),
    *("secrets.not-served", "secrets.jwt-rotation", "secrets.old-is-dead", "version.coherence"),
    *("deploy.executed", "incident.*", "logs.*"),
)
_WEB_ITEMS = ("routes.*", "latency.*", "tls.*", "secrets.not-served", "deploy.maintenance-*")
_STAGING_ITEMS = ("staging.*", "secrets.not-served", "version.coherence")
_DATABASE_ITEMS = ("migrations.*", "backup.*", "database.*", "version.coherence")
_GIT_ITEMS = (
    *("version.*", "ci.*", "env.provider-config", "secrets.not-in-*"),
    *("secrets.no-credentials-in-release", "release.*", "rollback.*", "deploy.announced"),
    *("staging.ui-spot-check", "staging.same-code", "migrations.*"),
)
_BACKUP_ITEMS = (
    *("backup.fresh", "backup.complete", "backup.restores"),
    *("migrations.rehearsed", "migrations.idempotent"),
)
_STORE = "the store in AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, else Amazon S3"
_METADATA = Touch(
    "GET", "AWS' metadata service, where no variable or file has credentials", is_host=True
)
_AWS_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_BROWSER_ITEMS = ("routes.browser", "routes.login", "staging.route")


_PROGRAMS = (
    ("git", "git", _GIT_ITEMS, "Install git."),
    (
        "squawk, which reads migrations",
        "squawk",
        ("migrations.safe", "version.bump"),
        "pip install 'pytest-chefrelease[lint]'.",
    ),
    (
        "a detector of credentials",
        "gitleaks",
        ("secrets.no-credentials-in-release",),
        "Install gitleaks, or pip install 'pytest-chefrelease[detect]'.",
    ),
    (
        "PostgreSQL's programs",
        "pg_restore",
        (*_BACKUP_ITEMS, "migrations.from-scratch"),
        "Install PostgreSQL's client programs, or pip install 'pytest-chefrelease[rehearsal]'.",
    ),
)


def sources_of(settings: Settings) -> tuple[Source, ...]:
    """All sources, those too that are not configured."""
    return (
        *_repository(settings),
        _github(settings),
        _backups(settings),
        *_addresses(settings),
        *_databases(settings),
        *_prisma(settings),
        _redis(settings),
        *_accounts(settings),
        *vendors.sources_of(settings),
        *_programs(settings),
        *_commands(settings),
        _reports(settings),
    )


def _repository(settings: Settings) -> Iterator[Source]:
    release = settings.release
    read = Touch("read", f"git objects, tags, notes and work tree of {release.repository}")
    yield Source("the repository", Kind.REPOSITORY, _GIT_ITEMS, release.repository, (read,))
    listed = Touch("git ls-remote", f"the remote {release.remote}", is_host=True)
    items = ("version.tag", "ci.commit-on-main")
    remedy = "Set release.remote in release.toml."
    yield Source("the remote", Kind.REMOTE, items, release.remote, (listed,), (), remedy)


def _github(settings: Settings) -> Source:
    return Source(
        name="GitHub",
        kind=Kind.GITHUB,
        items=("ci.required-checks", "ci.security-alerts", "version.release-notes"),
        place=settings.ci.api_url,
        touches=(Touch("GET", settings.ci.api_url, is_host=True),),
        credentials=(settings.ci.token_env,),
        remedy=f"Export {settings.ci.token_env}: a token that may read checks, commit statuses "
        "and contents.",
    )


def _backups(settings: Settings) -> Source:
    path = settings.backup.path
    is_remote = bool(path and path.startswith(SCHEME))
    if is_remote:
        touches = [Touch("list, GET", f"{path} at {_STORE}", is_host=True), _METADATA]
    else:
        touches = [Touch("read", path)] if path else []
    # What is fetched or restored is on this machine's disk as long as the stage runs.
    keeps = path and (is_remote or settings.backup.restore)
    touches += [Touch("write", "a temporary folder")] if keeps else []
    return Source(
        name="production's backups",
        kind=Kind.BACKUPS,
        items=_BACKUP_ITEMS,
        place=path,
        touches=tuple(touches),
        credentials=_AWS_VARIABLES if is_remote else (),
        remedy='Set backup.path in release.toml, such as "backups/*.dump".',
    )


def _addresses(settings: Settings) -> Iterator[Source]:
    name = settings.release.environment
    logins = ", ".join(settings.smoke.login_paths)
    yield _address("the API", name, "api", settings.target, _API_ITEMS, logins)
    yield _address("the web front", name, "web", settings.target, _WEB_ITEMS)
    if name != "staging":
        yield _address("staging's API", "staging", "api", settings.staging, _STAGING_ITEMS, logins)
        yield _address("staging's web front", "staging", "web", settings.staging, _STAGING_ITEMS)
    yield from _status_pages(settings.world.status)


def _status_pages(urls: tuple[str, ...]) -> Iterator[Source]:
    for url in urls:
        touch = Touch("GET", url, is_host=True)
        yield Source(f"status page {_host(url)}", Kind.HTTP, ("world.*",), url, (touch,))
    if not urls:
        remedy = "Name the vendors' status pages under [world] in release.toml."
        name = "vendors' status pages"
        yield Source(name, Kind.HTTP, ("world.*",), None, (), (), remedy, is_optional=True)


def _address(
    title: str, name: str, key: str, where: Environment, items: tuple[str, ...], logins: str = ""
) -> Source:
    url = where.api if key == "api" else where.web
    verb = _READS + (f"; POST of an empty object to {logins}" if logins else "")
    option = {"the API": "--base-url=URL or ", "the web front": "--web-url=URL or "}.get(title, "")
    return Source(
        name=title,
        kind=Kind.HTTP,
        items=items,
        place=(url + where.health if key == "api" else url) if url else None,
        touches=(Touch(verb, url, is_host=True),) if url else (),
        remedy=f"Give {option}environments.{name}.{key} in release.toml.",
    )


def _databases(settings: Settings) -> Iterator[Source]:
    named = {settings.release.environment: settings.target, "staging": settings.staging}
    for name, where in named.items():
        variable = where.database_env
        touch = Touch("SELECT, read-only", f"the database in {variable}", is_host=True)
        yield Source(
            name=f"{name}'s database",
            kind=Kind.DATABASE,
            items=_DATABASE_ITEMS if name != "staging" else ("migrations.tested-on-staging",),
            place=variable,
            touches=(touch,) if variable else (),
            credentials=(variable,) if variable else (),
            remedy=f"Name the variable with its URL: environments.{name}.database_env in "
            "release.toml.",
            is_optional=name == "staging" and settings.release.environment != "staging",
        )


def _prisma(settings: Settings) -> Iterator[Source]:
    table = settings.migrations
    if not table.ask_prisma:
        return
    database = settings.target.database_env
    run = Touch("run", "prisma migrate status, of node_modules in the repository")
    asks = Touch("SELECT, by Prisma", f"the database in {database}", is_host=True)
    fetches = Touch(
        "GET", "Prisma's own hosts, where its engines are not installed with it", is_host=True
    )
    yield Source(
        name="Prisma, the second witness",
        kind=Kind.PROGRAM,
        items=("migrations.status",),
        place="prisma",
        touches=(run, *([asks] if database else []), fetches),
        credentials=(*([database] if database else []), *table.prisma_variables),
        remedy="Install the release's packages (npm ci, pnpm install), or set "
        "migrations.ask_prisma = false.",
    )


def _redis(settings: Settings) -> Source:
    variable = settings.target.redis_env
    touch = Touch("PING, INFO", f"the Redis in {variable}", is_host=True)
    return Source(
        name="Redis",
        kind=Kind.REDIS,
        items=("redis.*",),
        place=variable,
        touches=(touch,) if variable else (),
        credentials=(variable,) if variable else (),
        remedy=f"Name the variable with its URL: environments.{settings.release.environment}"
        ".redis_env in release.toml.",
        is_optional=True,
    )


def _accounts(settings: Settings) -> Iterator[Source]:
    login, staging = settings.login, settings.staging_checks
    pairs = {
        "the test account": (login.user_env, login.password_env, ("routes.login",)),
        "staging's test account": (staging.user_env, staging.password_env, ("staging.route",)),
    }
    for title, (user, password, items) in pairs.items():
        remedy = f"Export {user} and {password}: an account made for this test."
        yield Source(title, Kind.ACCOUNT, items, user, (), (user, password), remedy)


def _programs(settings: Settings) -> Iterator[Source]:
    chromium = Touch("run", settings.routes.chromium or "chromium")
    remedy = "pip install 'pytest-chefrelease[browser]', and have a Chromium on this machine."
    if settings.routes.browser:
        yield Source("a browser", Kind.BROWSER, _BROWSER_ITEMS, "chromium", (chromium,), (), remedy)
    for name, program, items, remedy in _PROGRAMS:
        yield Source(name, Kind.PROGRAM, items, program, (Touch("run", program),), (), remedy)


def _commands(settings: Settings) -> Iterator[Source]:
    """The user's own: each is a program that has to be here."""
    staging = settings.staging_checks.commands
    tables: tuple[tuple[str, str, dict[str, CommandRule]], ...] = (
        ("ci.command", "ci.commands", settings.ci.commands),
        ("staging.command", "staging.commands", staging),
    )
    for item, key, commands in tables:
        for name, command in commands.items():
            program = "/bin/sh" if command.shell else (command.run.split() or [""])[0]
            touches = (Touch("run", command.run),)
            remedy = f"Install {program}, or correct {key}.{name}."
            yield Source(f"{key}.{name}", Kind.PROGRAM, (item,), program, touches, (), remedy)


def _reports(settings: Settings) -> Source:
    directory = settings.report.directory
    touches = (Touch("write", f"{directory}/"), Touch("write", settings.report.ledger_path))
    remedy = "Make it writable, or set report.directory in release.toml."
    return Source("the reports", Kind.REPORTS, ("*",), directory, touches, (), remedy)


def _host(url: str) -> str:
    return urlsplit(url).hostname or url
