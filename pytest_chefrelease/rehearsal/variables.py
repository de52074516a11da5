"""The environment variables and the release.toml with which a user's pytest meets the stack."""

from __future__ import annotations

import json
import secrets
import shlex
import string
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from pytest_chefrelease.rehearsal.world import Build

SMOKE_EMAIL = "smoke@chefcloud.example"


def _github_token() -> str:
    alphabet = string.ascii_letters + string.digits
    return "ghp_" + "".join(secrets.choice(alphabet) for _ in range(36))


@dataclass(frozen=True, slots=True)
class Secrets:
    """Strong values made up for one stack."""

    database_admin: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    production_database: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    staging_database: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    jwt: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    old_jwt: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    staging_jwt: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    webhook: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    staging_webhook: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    sentry_key: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    github: str = field(default_factory=_github_token, repr=False)
    fly: str = field(default_factory=lambda: f"fo1_{secrets.token_urlsafe(32)}", repr=False)
    render: str = field(default_factory=lambda: f"rnd_{secrets.token_urlsafe(24)}", repr=False)
    sentry: str = field(default_factory=lambda: f"sntryu_{secrets.token_hex(32)}", repr=False)
    loki: str = field(default_factory=lambda: f"glc_{secrets.token_urlsafe(32)}", repr=False)
    redis: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    staging_redis: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    control: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    smoke_password: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)
    badge: str = field(default_factory=lambda: secrets.token_hex(12), repr=False)


def environment(made_up: Secrets, database_url: str, staging_database_url: str) -> dict[str, str]:
    """What production reads from its environment, and what the suite needs to look at it."""
    return {
        "DATABASE_URL": database_url,
        "STAGING_DATABASE_URL": staging_database_url,
        "STAGING_REDIS_URL": f"redis://:{made_up.staging_redis}@cache.staging.example:6379/0",
        "STAGING_JWT_SECRET": made_up.staging_jwt,
        "STAGING_WH_SECRET": made_up.staging_webhook,
        "JWT_SECRET": made_up.jwt,
        "JWT_SECRET_OLD": made_up.old_jwt,
        "WH_SECRET": made_up.webhook,
        "SENTRY_DSN": f"https://{made_up.sentry_key}@o4507.ingest.sentry.example/4508",
        "GITHUB_TOKEN": made_up.github,
        "FLY_API_TOKEN": made_up.fly,
        "RENDER_API_KEY": made_up.render,
        "SENTRY_AUTH_TOKEN": made_up.sentry,
        "LOKI_TOKEN": made_up.loki,
        "CHEFRELEASE_LOGIN_USER": SMOKE_EMAIL,
        "CHEFRELEASE_LOGIN_PASSWORD": made_up.smoke_password,
    }


def redis_url(made_up: Secrets, site: str) -> str:
    """The URL of Redis, which listens where this site's address says."""
    return f"redis://:{made_up.redis}@{urlsplit(site).netloc}/0"


def matrix(api: str, web: str, build: Build) -> dict[str, str]:
    """Production's other variables, by ChefCloud's environment matrix, and some of staging's."""
    return {
        "NODE_ENV": "production",
        "CORS_ORIGINS": web,
        "ORIGIN": web,
        "RP_ID": urlsplit(web).hostname or "",
        "RATE_LIMIT_PUBLIC": "60",
        "LOG_LEVEL": "info",
        "LOG_SILENCE_HEALTH": "1",
        "LOG_SILENCE_METRICS": "1",
        "PRETTY_LOGS": "0",
        "DOCS_ENABLED": "0",
        "DEVPORTAL_ENABLED": "0",
        "METRICS_ENABLED": "false",
        "WH_SECRET_REQUIRED": "1",
        "NEXT_PUBLIC_API_URL": api,
        "NEXT_PUBLIC_ENABLE_IDLE_TIMEOUT": "1",
        "NEXT_PUBLIC_SESSION_IDLE_MINUTES": "15",
        "STAGING_NODE_ENV": "production",
        "STAGING_LOG_LEVEL": "debug",
        **of_build(build),
    }


def of_build(build: Build) -> dict[str, str]:
    """The variables that a build sets."""
    return {
        "BUILD_VERSION": build.version,
        "BUILD_SHA": build.commit,
        "BUILD_DATE": build.built_at,
        "NEXT_PUBLIC_APP_VERSION": build.version,
    }


class Places(Struct, frozen=True):
    """Where the parts of a stack are, as release.toml names them, and when secrets were rotated."""

    version: str
    repository: Path
    slug: str
    logs: str
    backups: Path
    locust: Path
    latency_source: str
    urls: Mapping[str, str]
    rotated_on: date


def release_toml(places: Places) -> str:
    """A complete release.toml for the stack; secrets are in it by their variables' names only."""
    return _TEMPLATE.format(
        version=_text(places.version),
        rotated_on=places.rotated_on,
        repository=_text(str(places.repository)),
        slug=_text(places.slug),
        status_page=_text(places.urls["status"]),
        github=_text(places.urls["github"]),
        fly=_text(places.urls["fly"] + "/v1"),
        sentry=_text(places.urls["sentry"]),
        alertmanager=_text(places.urls["alertmanager"]),
        prometheus=_text(places.urls["prometheus"]),
        api=_text(places.urls["production-api"]),
        web=_text(places.urls["production-web"]),
        staging_api=_text(places.urls["staging-api"]),
        staging_web=_text(places.urls["staging-web"]),
        no_wip_imports=_text(f"{shlex.quote(sys.executable)} scripts/verify/no-wip-imports"),
        staging_ready=_text(f"{shlex.quote(sys.executable)} scripts/verify/staging-ready"),
        backups=_text(str(places.backups / "*.dump")),
        logs=_text(places.logs),
        locust=_text(str(places.locust)),
        latency_source=_text(places.latency_source),
    )


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(value)


_TEMPLATE = """\
# The embedded ChefCloud of `chefrelease rehearse`: everything is on this machine.
[release]
version = {version}
environment = "production"
repository = {repository}
main_branch = "main"

[ci]
provider = "github"
repository = {slug}
api_url = {github}
token_env = "GITHUB_TOKEN"
required = "branch"

[ci.commands]
no-wip-imports = {no_wip_imports}

[environments.production]
api = {api}
web = {web}
database_env = "DATABASE_URL"
redis_env = "REDIS_URL"
readiness = "/readiness"

[environments.staging]
api = {staging_api}
web = {staging_web}
database_env = "STAGING_DATABASE_URL"

[staging.commands]
staging-ready = {staging_ready}

[secrets]
source = "env"
[secrets.required.JWT_SECRET]
rotated_on = {rotated_on}
[secrets.rotation_test]
path = "/workforce/employees"
started_on = {rotated_on}
claims = {{ sub = 1 }}

[world]
status = [{status_page}]

[migrations]
tool = "prisma"
directory = "packages/db/prisma/migrations"
# The rehearsal's tables are small: here every lock counts.
small_table = 0

[backup]
path = {backups}
automatic = "fly:chefcloud-prod-db"

[drill]
budget = "5s"
queries = ["SELECT id, status, opened_at FROM orders ORDER BY opened_at DESC LIMIT 20"]

[routes]
paths = ["/", "/login", "/dashboard", "/orders", "/inventory"]
browser = true

# On loopback, measuring may be quicker than it should be on a production system.
[latency]
source = {latency_source}
locust = {locust}
endpoints = ["/health", "/inventory/items"]
requests = 300
rate = 50
max_rate = 100
calibration = 120
# A laptop with a browser beside it is no steady machine: less than this is not the release.
slower_least = "200ms"

[logs]
source = {logs}
token_env = "LOKI_TOKEN"

[monitoring]
watch = "10s"
interval = "1s"

[provider]
name = "fly"
app = "chefcloud-prod-api"
web_app = "chefcloud-prod-web"
api_url = {fly}

[sentry]
organization = "chefcloud"
project = "api"
api_url = {sentry}
every = "1s"

[alerts]
url = {alertmanager}
matchers = ['service="api"']
watchdog = "Watchdog"
every = "1s"

[prometheus]
url = {prometheus}
matchers = ['job="api"']
pool_waiting = "prisma_client_queries_wait"

[deploy]
settle = "2s"
every = "500ms"

[maintenance]
path = "/"
api_path = "/inventory/items"
preview = "/maintenance"
"""
