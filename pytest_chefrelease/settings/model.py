"""The tables of release.toml, typed, with ChefCloud's runbook as the defaults.

Each class is one table; ``Settings`` is the whole file. Durations are timedelta, addresses
have no trailing slash, secrets appear only as names of environment variables.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from pytest_chefrelease.settings.moments import DayOrMoment, OfficeHours, TimeZone
from pytest_chefrelease.settings.values import (
    AutomaticBackups,
    BackupPath,
    Date,
    Duration,
    Endpoint,
    EndpointRule,
    EnvironmentRule,
    LogSourceText,
    Matcher,
    MeasuredPath,
    MigrationRule,
    ModuleName,
    Moment,
    Place,
    Regex,
    SecretSource,
    ShardText,
    SomeText,
    Table,
    Url,
    UrlPath,
    VariableName,
)

Positive = Annotated[int, Field(gt=0)]
Severity = Literal["P1", "P2", "P3"]


class CadenceTable(Table):
    """How long after the last release of its type a release is due; patches come as needed.

    Source: runbook, "Release Cadence Recommendations".
    """

    minor: Duration = timedelta(days=7)
    major: Duration = timedelta(days=31)


class FreezeWindow(Table):
    """A time without releases; a date means its whole day, in the freeze's time zone."""

    begin: DayOrMoment = Field(alias="from")
    end: DayOrMoment = Field(alias="to")
    reason: SomeText

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.begin.isoformat()[:10] > self.end.isoformat()[:10]:
            raise ValueError("a window that ends after it begins is allowed")
        return self


class FreezeTable(Table):
    """When releases are not made: in ``windows``, and outside ``hours`` where those are given.

    ``hours`` are such as ``"Mon-Thu 09:00-16:00"``; both are told in ``time_zone``.
    """

    time_zone: TimeZone = "UTC"
    hours: tuple[OfficeHours, ...] = ()
    windows: tuple[FreezeWindow, ...] = ()


class ReleaseTable(Table):
    """What is released, from where, to where.

    ``require_signature`` asks for a signed tag, by a key that this machine trusts or, for ssh
    keys, that the file ``allowed_signers`` lists (as ssh-keygen reads it). ``notes`` is the
    changelog's path where it is not one of the usual ones; ``manifests`` are the files whose
    version is the release's. ``shard`` is the part of the stage that this run takes (``2/5``);
    ``chefrelease merge`` gives the verdict of all parts. ``deployed_at`` is when the release
    went live, where the application's own uptime does not tell.
    """

    version: str | None = None
    environment: str = "production"
    repository: str = "."
    main_branch: str = "main"
    remote: str = "origin"
    tag_prefix: str = ""
    previous_version: str | None = None
    require_signature: bool = False
    allowed_signers: str | None = None
    notes: str | None = None
    manifests: tuple[str, ...] = (
        *("package.json", "services/api/package.json", "apps/web/package.json"),
        "pyproject.toml",
    )
    cadence: CadenceTable = CadenceTable()
    freeze: FreezeTable = FreezeTable()
    items: tuple[str, ...] = ()
    shard: ShardText | None = None
    deployed_at: Moment | None = None


class Command(Table):
    """A command of the user's own, run without a shell in a clean export of the release."""

    run: SomeText
    timeout: Duration = timedelta(minutes=10)
    shell: bool = False


def _read_command(value: object) -> object:
    if isinstance(value, str):
        return {"run": value}
    if isinstance(value, dict | Command):
        return value
    raise ValueError('text, or a table such as { run = "make lint", timeout = "10m" }, is allowed')


CommandRule = Annotated[Command, BeforeValidator(_read_command)]


class CiTable(Table):
    """Where CI's results are read, and which must be there."""

    provider: Literal["github"] = "github"
    repository: str | None = None
    api_url: Url = "https://api.github.com"
    token_env: VariableName = "GITHUB_TOKEN"
    required: Literal["branch"] | tuple[SomeText, ...] = "branch"
    accept_skipped: bool = True
    accept_neutral: bool = True
    max_age: Duration = timedelta(days=7)
    commands: dict[str, CommandRule] = Field(default_factory=dict)


class Environment(Table):
    """One environment's addresses; ``database_env`` names the variable with the URL.

    So does ``redis_env``, where Redis is used. ``readiness`` is the path at which the API says
    which of its dependencies are there, such as ``/readiness``, where it has one.
    """

    api: Url | None = None
    web: Url | None = None
    database_env: VariableName | None = None
    redis_env: VariableName | None = None
    health: UrlPath = "/health"
    readiness: UrlPath | None = None


class RequiredSecret(Table):
    """What a secret must be.

    ``min_length`` is in characters; ``min_entropy_bits`` is 128 for ``signing`` secrets and 64
    for others unless given. An ``optional`` one may be absent, unless the variable
    ``required_if`` is on. ``stored_as`` is its name in the store, where that differs;
    ``rotated_on`` records the last change for stores that keep no date.
    """

    min_length: int = 0
    min_entropy_bits: float | None = None
    kind: Literal["signing", "connection", "dsn", "token"] = "token"
    rotate: Duration | None = None
    rotated_on: Date | None = None
    optional: bool = False
    required_if: VariableName | None = None
    stored_as: str | None = None


DEFAULT_SECRETS = {
    "DATABASE_URL": RequiredSecret(kind="connection"),
    "JWT_SECRET": RequiredSecret(kind="signing", min_length=32, rotate=timedelta(days=90)),
    "SENTRY_DSN": RequiredSecret(kind="dsn"),
    "WH_SECRET": RequiredSecret(kind="signing", min_length=32),
    "REDIS_URL": RequiredSecret(kind="connection", optional=True, required_if="REDIS_REQUIRED"),
}
"""Source: runbook, "Required Secrets"."""


class AllowedCredential(Table):
    """Credential-shaped text that somebody has looked at and found harmless.

    ``path`` is a glob; ``fingerprint`` is the one that the report shows, and without it every
    text in the path is allowed.
    """

    path: SomeText
    fingerprint: str | None = None
    reason: SomeText
    audited_by: SomeText


class RotationTest(Table):
    """How a rotation of a signing secret is verified from outside, by tokens made for it.

    ``path`` is a guarded one of the API; ``old_env`` names the variable with the old secret.
    ``secret`` is the one that was rotated, on ``started_on``; old sessions live ``sessions``
    long. ``claims`` are those that the API needs in a token beside iat and exp.
    """

    path: UrlPath = "/auth/me"
    secret: str = "JWT_SECRET"
    old_env: VariableName = "JWT_SECRET_OLD"
    started_on: Date | None = None
    sessions: Duration = timedelta(days=7)
    claims: dict[str, str | int] = Field(default_factory=dict)


class SecretsTable(Table):
    """Where production reads its secrets, and which it must have.

    ``values`` is a second source for stores that never give values (Fly.io). Staging's values
    come from ``staging_source``, by default from variables whose names begin with STAGING_.
    ``private_hosts`` are patterns of hosts whose network encrypts by itself (``*.flycast``).
    ``token_env`` names the variable with the store's token where it is not the usual one, and
    ``api_url`` is the store's address where it is not the vendor's public one.
    """

    source: SecretSource = "env"
    values: SecretSource | None = None
    staging_source: SecretSource = "env:STAGING_"
    required: dict[str, RequiredSecret] = Field(default_factory=dict)
    private_hosts: tuple[str, ...] = ()
    allowed: tuple[AllowedCredential, ...] = ()
    rotation_test: RotationTest | None = None
    api_url: Url | None = None
    token_env: VariableName | None = None
    defaults: bool = True

    @property
    def all_required(self) -> dict[str, RequiredSecret]:
        """The runbook's five and the configured ones.

        What is configured of one of the five replaces that of its defaults.
        """
        found = dict(DEFAULT_SECRETS) if self.defaults else {}
        for name, rule in self.required.items():
            set_here = {key: getattr(rule, key) for key in rule.model_fields_set}
            found[name] = found[name].model_copy(update=set_here) if name in found else rule
        return found


class EnvironmentMatrixTable(Table):
    """Where the variables of ``[env]`` are read: where secrets are, unless said otherwise.

    ``defaults`` are ChefCloud's variables; what ``[env]`` says of one of them replaces its
    default, and false leaves only what it says.
    """

    defaults: bool = True
    source: SecretSource | None = None
    staging_source: SecretSource | None = None


class WorldTable(Table):
    """What the release depends on and nobody here runs: status pages in statuspage.io's form."""

    status: tuple[Url, ...] = ()


class AcceptedRisk(Table):
    """A finding in a pending migration that somebody has looked at and takes on.

    ``rule`` and ``migration`` are those that the report shows; with ``table`` only findings on
    it are accepted.
    """

    migration: SomeText
    rule: MigrationRule
    table: SomeText | None = None
    reason: SomeText


class MigrationsTable(Table):
    """The migration tool's history: directory relative to the repository.

    ``accepted_order`` names migrations that are known to be applied out of order. ``accepted``
    are findings of migrations.safe that are taken on; locks on tables of production of at most
    ``small_table`` bytes are over in no time, and do not count. ``ask_prisma`` lets the Prisma
    that is installed in the repository (``node_modules/.bin/prisma``) be a second witness of
    migrations.status; it gets the database's URL, and the variables in ``prisma_variables``.
    """

    tool: Literal["prisma"] = "prisma"
    directory: str = "packages/db/prisma/migrations"
    accepted_order: tuple[str, ...] = ()
    accepted: tuple[AcceptedRisk, ...] = ()
    small_table: Annotated[int, Field(ge=0)] = 10_000_000
    ask_prisma: bool = False
    prisma_variables: tuple[SomeText, ...] = ()


class DatabaseTable(Table):
    """When the database's connections are stable.

    ``max_used`` is the part of max_connections (or of a database's or role's own limit) that
    must not be reached; no transaction may be left idle longer than ``idle_in_transaction``,
    and no session wait for a lock longer than ``blocked``.
    """

    max_used: Annotated[float, Field(gt=0, le=1)] = 0.8
    idle_in_transaction: Duration = timedelta(minutes=1)
    blocked: Duration = timedelta(seconds=10)


class RedisTable(Table):
    """When Redis is well: ``max_used`` is the part of its memory that must not be reached."""

    max_used: Annotated[float, Field(gt=0, le=1)] = 0.9


class BackupTable(Table):
    """Where backups of production are written, and what each must be.

    ``path`` is a glob or a folder, relative to the repository, or of objects in an S3-compatible
    store (``s3://BUCKET/PREFIX/*.dump``), whose region, credentials and endpoint are those of
    AWS' own tools (``AWS_PROFILE``, ``AWS_ENDPOINT_URL``). ``api_url`` is the address of
    ``automatic``'s provider where it is not [provider]'s own. ``database`` is the name in the
    backup, by default that of production's URL; ``time_zone`` is that of the machine that runs
    pg_dump, whose archives tell its clock. A backup smaller than ``least_of_last`` of the one
    before is not believed. ``without`` are globs of tables that are left out on purpose
    (``audit.*``). ``restore`` tries the newest one out, with ``jobs`` processes.
    ``automatic`` says who takes backups of production by itself: ``fly:APP`` (of the database)
    or ``render:DATABASE_ID``; tokens are the provider's.
    """

    path: BackupPath | None = None
    max_age: Duration = timedelta(hours=24)
    restore: bool = True
    api_url: Url | None = None
    database: str | None = None
    time_zone: TimeZone = "UTC"
    least_of_last: Annotated[float, Field(ge=0, le=1)] = 0.5
    without: tuple[SomeText, ...] = ()
    jobs: Annotated[int, Field(ge=1, le=32)] = 4
    automatic: AutomaticBackups | None = None


class DrillTable(Table):
    """The drill: pending migrations on the restored backup, all migrations on an empty database.

    ``budget`` is the longest that one migration may take. ``queries`` are what the release
    before sends to the database: where one fails on the new schema, code cannot go back.
    """

    budget: Duration = timedelta(minutes=5)
    queries: tuple[SomeText, ...] = ()


_GUARDED = (200, 401)
_REFUSED = (400, 401, 422)
DEFAULT_ENDPOINTS = (
    Endpoint(method="GET", path="/health"),
    Endpoint(method="GET", path="/pos/menu/categories", status=_GUARDED),
    Endpoint(method="GET", path="/inventory/items", status=_GUARDED),
    Endpoint(method="GET", path="/inventory/categories", status=_GUARDED),
    Endpoint(method="GET", path="/pos/orders", status=_GUARDED),
    Endpoint(method="GET", path="/workforce/employees", status=_GUARDED),
    Endpoint(method="GET", path="/workforce/payroll-runs", status=_GUARDED),
    Endpoint(method="GET", path="/finance/journal-entries", status=_GUARDED),
    Endpoint(method="POST", path="/auth/msr-swipe", status=_REFUSED),
    Endpoint(method="POST", path="/auth/login", status=_REFUSED),
)
"""Source: runbook, "Post-Release Verification", smoke tests."""


class SmokeTable(Table):
    """Endpoints that must answer after a deploy; each becomes one test.

    A POST carries an empty JSON object, and is sent only to ``login_paths``, where that
    changes nothing.
    """

    endpoints: tuple[EndpointRule, ...] = DEFAULT_ENDPOINTS
    login_paths: tuple[str, ...] = ("/auth/login", "/auth/msr-swipe")

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [endpoint.name for endpoint in self.endpoints]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]} is listed twice, each method and path once is allowed")
        for endpoint in self.endpoints:
            if endpoint.method == "POST" and endpoint.path not in self.login_paths:
                raise ValueError(
                    f"{endpoint.name} is no login probe; POST is allowed to login_paths "
                    f"({', '.join(self.login_paths)})"
                )
        return self


PreflightRule = Literal[
    "auth-guard",
    "docs-hidden",
    "dev-portal-absent",
    "metrics-hidden",
    "cors",
    "request-id",
    "security-headers",
    "stack-traces-absent",
    "server-banner-absent",
]


class PreflightTable(Table):
    """What must hold before anybody is let in; each of ``rules`` becomes one test.

    ``allowed_origin`` defaults to the web front's; ``header_paths`` are where headers are
    looked at, ``error_paths`` provoke errors; ``edge_servers`` are shell patterns for Server
    headers of a platform's edge, which are not the application's to remove.
    """

    rules: tuple[PreflightRule, ...] = get_args(PreflightRule)
    protected_paths: tuple[UrlPath, ...] = ("/inventory/items", "/auth/me")
    docs_paths: tuple[UrlPath, ...] = ("/docs", "/docs-json")
    dev_portal_paths: tuple[UrlPath, ...] = ("/dev/api-keys", "/dev/portal")
    metrics_paths: tuple[UrlPath, ...] = ("/metrics",)
    cors_paths: tuple[UrlPath, ...] = ("/health",)
    allowed_origin: Url | None = None
    foreign_origin: Url = "https://foreign.invalid"
    header_paths: tuple[UrlPath, ...] = ("/health", "/inventory/items")
    request_id_header: str = "X-Request-Id"
    request_id_length: Positive = 10
    error_paths: tuple[UrlPath, ...] = ("/chefrelease/no-such-route",)
    edge_servers: tuple[str, ...] = (
        *("cloudflare", "Fly/*", "Vercel", "Render", "CloudFront", "Google Frontend"),
        *("awselb/*", "AmazonS3"),
    )


class TlsTable(Table):
    """Certificates of the configured addresses: days left, and the oldest TLS version."""

    min_days: Positive = 21
    note_days: Positive = 30
    min_version: Literal["1.2", "1.3"] = "1.2"


class StagingTable(Table):
    """What is special about verifying staging; where it is, is in ``environments.staging``.

    ``commands`` are the user's own scripts, run in the release's work tree with
    API_BASE_URL set to staging's API. ``web_version_path`` is the page, script or JSON of
    the web front that tells its version or commit, ``web_version`` a regular expression
    whose first group is it; by default the usual places are tried. The test account's
    variables are others than production's.
    """

    commands: dict[str, CommandRule] = Field(default_factory=dict)
    web_version_path: UrlPath = "/"
    web_version: Regex | None = None
    user_env: VariableName = "CHEFRELEASE_STAGING_LOGIN_USER"
    password_env: VariableName = "CHEFRELEASE_STAGING_LOGIN_PASSWORD"


class RoutesTable(Table):
    """The web front's top routes, and how a browser looks at them.

    ``protected`` pages may redirect to ``login_path`` (the whole address where the login is
    at another site) without a login; ``budget`` is the
    time until a page must be usable; ``allowed_errors`` are regular expressions for
    addresses whose failed requests, or for texts and scripts of errors, that are known and
    harmless; ``own_origins`` are further addresses whose requests must not fail (a CDN);
    ``harmless_spinners`` are CSS selectors of what only looks like a spinner.
    """

    paths: tuple[UrlPath, ...] = ("/", "/login", "/dashboard", "/orders", "/inventory")
    browser: bool = True
    protected: tuple[UrlPath, ...] = ("/dashboard", "/orders", "/inventory")
    login_path: Place = "/login"
    budget: Duration = timedelta(seconds=10)
    allowed_errors: tuple[Regex, ...] = (r"/favicon\.ico$",)
    own_origins: tuple[Url, ...] = ()
    harmless_spinners: tuple[str, ...] = ()
    chromium: str | None = None
    error_texts: tuple[str, ...] = (
        "Application error: a client-side exception has occurred",
        "Something went wrong",
        "Internal Server Error",
        "This page could not be found",
    )


class LoginTable(Table):
    """The test account that logs in through the form, by the names of its variables.

    Fields are found by type unless selectors are given. ``data_path`` is the page that must
    show data after the login: the texts of ``data_selector``, or what ``data_text`` (a regular
    expression) finds; without either, at least one value that the API answered must be there.
    """

    user_env: VariableName = "CHEFRELEASE_LOGIN_USER"
    password_env: VariableName = "CHEFRELEASE_LOGIN_PASSWORD"
    user_selector: str | None = None
    password_selector: str | None = None
    submit_selector: str | None = None
    data_path: UrlPath = "/dashboard"
    data_selector: str | None = None
    data_text: Regex | None = None


class LatencyTable(Table):
    """How P95 is measured.

    ``endpoints`` are paths of the API (``/health``) and of the web front (``web /login``).
    ``rate`` is per second and endpoint, ``max_rate`` per second and host, for all its
    endpoints together; the budget in requests is ``requests`` times ``budget``.
    ``calibration`` is how many requests measure an endpoint of the running version before the
    deploy, half of them each time. Slower counts from ``slower_share`` of what was before,
    and from ``slower_least`` on. ``locust`` is the file that ``locust --json-file`` has written,
    relative to the repository, whose last request may be ``locust_max_age`` old.
    """

    p95: Duration = timedelta(milliseconds=500)
    source: Literal["probe", "prometheus", "logs", "locust"] = "probe"
    locust: SomeText | None = None
    locust_max_age: Duration = timedelta(hours=1)
    endpoints: tuple[MeasuredPath, ...] = ()
    requests: Annotated[int, Field(ge=1)] = 300
    rate: Annotated[float, Field(gt=0)] = 10.0
    max_rate: Annotated[float, Field(gt=0)] = 20.0
    budget: Annotated[int, Field(ge=1, le=10)] = 10
    timeout: Duration = timedelta(seconds=10)
    calibration: Annotated[int, Field(ge=120)] = 300
    slower_share: Annotated[float, Field(ge=0)] = 0.1
    slower_least: Duration = timedelta(milliseconds=10)


class LogsTable(Table):
    """Where the application's logs are read.

    ``source`` is ``file:GLOB`` (relative to the repository), ``command:LINE`` (run without a
    shell; it may go on printing), ``loki:URL``, ``render`` or ``fly``. ``query`` selects
    streams at Loki; ``token_env`` names the variable with the source's token, and
    ``variables`` those that a command is given. ``baseline`` is how long before the deploy
    messages and refusals are compared with; ``known`` are regular expressions for messages
    that are known and harmless. ``errors`` says which 5xx are let pass: ``none``, or those that
    are as rare as before the deploy (``as-before``); ``objective`` is the share of requests that
    must be answered without 5xx, which burn rates are measured by.
    """

    source: LogSourceText | None = None
    query: str = '{app="api"}'
    token_env: VariableName | None = None
    variables: tuple[VariableName, ...] = ()
    baseline: Duration = timedelta(hours=1)
    known: tuple[Regex, ...] = ()
    errors: Literal["none", "as-before"] = "none"
    objective: Annotated[float, Field(gt=0.5, lt=1)] = 0.999


class SentryTable(Table):
    """The Sentry project of the application; None where Sentry is not used.

    ``api_url`` is Sentry's address, a region's or a self-hosted one's too. ``release`` is how
    Sentry names releases, with ``{version}``, ``{bare}`` (without the v) and ``{commit}``; by
    default the usual names are tried. ``environment`` is Sentry's name for the environment, the
    release's unless given. At least ``crash_free`` percent of the sessions must be without a
    crash; 0 does not ask. In a watch Sentry is asked once per ``every``.
    """

    organization: str | None = None
    project: str | None = None
    api_url: Url = "https://sentry.io"
    token_env: VariableName = "SENTRY_AUTH_TOKEN"
    release: SomeText | None = None
    environment: SomeText | None = None
    crash_free: Annotated[float, Field(ge=0, lt=100)] = 99.0
    every: Duration = timedelta(seconds=30)


class AlertsTable(Table):
    """The Alertmanager that tells of the application; None where there is none.

    ``matchers`` select the application's alerts (``service="api"``); without them all count.
    ``watchdog`` names an alert that always fires (a dead man's switch): where it is missing,
    silence proves nothing. ``token_env`` names the variable with a bearer token. In a watch
    Alertmanager is asked once per ``every``.
    """

    url: Url | None = None
    matchers: tuple[Matcher, ...] = ()
    watchdog: SomeText | None = None
    token_env: VariableName | None = None
    every: Duration = timedelta(seconds=5)


class PrometheusTable(Table):
    """The Prometheus that scrapes the application; None where there is none.

    ``matchers`` select the application (``job="api"``). ``histogram`` is the name of the
    requests' durations in seconds, without its suffix; its ``route_label`` holds the endpoint's
    path. ``requests`` counts requests, with the status in ``status_label``. ``started`` is when a
    process began, ``pool_waiting`` how many queries wait for a connection. Rates are taken over
    ``window``.
    """

    url: Url | None = None
    token_env: VariableName | None = None
    matchers: tuple[Matcher, ...] = ()
    window: Duration = timedelta(minutes=5)
    histogram: SomeText = "http_request_duration_seconds"
    requests: SomeText = "http_requests_total"
    status_label: SomeText = "status"
    route_label: SomeText = "route"
    started: SomeText = "process_start_time_seconds"
    pool_waiting: SomeText | None = None


class IncidentTable(Table):
    """What an incident needs: variables that turn a feature off without a deploy.

    Source: runbook, "Emergency Disable (Feature Flags)".
    """

    flags: tuple[VariableName, ...] = ("DEVPORTAL_ENABLED", "DOCS_ENABLED", "METRICS_ENABLED")


class MonitoringTable(Table):
    """The watch after a release: every signal is looked at once per ``interval``.

    At the default interval, three failures in a row take five seconds.
    """

    watch: Duration = timedelta(minutes=15)
    interval: Duration = timedelta(seconds=2.5)


class ProviderTable(Table):
    """Who runs the application: read for what is deployed, and for the commands to print.

    ``app`` is the API's name there (Render: its service id, docker: its compose service or
    container) and ``web_app`` the web front's. ``token_env`` names the variable with the token
    where it is not the usual one (FLY_API_TOKEN, RENDER_API_KEY; REGISTRY_CREDENTIALS holds
    user:password), ``api_url`` replaces the vendor's public address, and ``registry`` is the
    address of the registry that must hold docker's images.
    ``files`` are the configuration files that count, by name or path (default: the provider's);
    ``min_instances`` is how many instances of a web service must always run.
    """

    name: Literal["fly", "render", "docker"] | None = None
    app: str | None = None
    web_app: str | None = None
    previous_image: str | None = None
    files: tuple[SomeText, ...] | None = None
    min_instances: Positive | None = None
    api_url: Url | None = None
    token_env: VariableName | None = None
    registry: Url | None = None


_LONGEST_SETTLE = timedelta(minutes=12)


class DeployTable(Table):
    """How a deploy is looked at: how long it may take to settle, and over how many connections.

    Each of ``connections`` is a fresh one, so that more than one instance may answer.
    """

    settle: Duration = timedelta(minutes=2)
    every: Duration = timedelta(seconds=3)
    connections: Annotated[int, Field(ge=5, le=50)] = 5

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.settle > _LONGEST_SETTLE:
            raise ValueError("a deploy that settles within 12m is waited for, no longer one")
        return self


class MaintenanceTable(Table):
    """The maintenance page, where there is one.

    ``path`` is what maintenance closes, of the web front or as a whole address, and
    ``api_path`` the same of the API. ``preview`` is where the page can be seen while it is
    off; without it maintenance has to be on already when the prerelease gate looks.
    """

    path: Place | None = None
    api_path: UrlPath | None = None
    preview: Place | None = None


class Waiver(Table):
    """A named person accepts a failed item until a date, for a reason.

    ``item`` is an id or one check's label (``secrets.strength[JWT_SECRET]``); the waiver
    holds to the end of the day ``expires``, in UTC.
    """

    item: SomeText
    reason: SomeText
    approved_by: SomeText
    expires: Date


class ChecksTable(Table):
    """A team's own checks: ``modules`` are importable, or stand beside the settings file."""

    modules: tuple[ModuleName, ...] = ()


class VerdictTable(Table):
    """Policy: what may be waived or left unverified."""

    allow_unverified: bool = False
    max_waivers: Annotated[int, Field(ge=0)] | None = None
    four_eyes: bool = False


class ItemOverride(Table):
    """A change to one item's declaration, shown in the report."""

    severity: Severity | None = None
    blocking: bool | None = None
    shadow: bool = False
    timeout: Duration | None = None


class ReportTable(Table):
    """Where reports go, relative to the directory that pytest runs in.

    ``ledger`` is the SQLite file that remembers every run's verdict, by default
    ``ledger.sqlite`` beside the reports; where each run starts with an empty folder, name a
    file that is kept. ``ctrf`` and ``sarif`` are files that are written as well; ``junit`` is
    for whom the JUnit file is, by default the CI system that it runs in.
    """

    directory: str = "reports"
    ledger: SomeText | None = None
    ctrf: SomeText | None = None
    sarif: SomeText | None = None
    junit: Literal["plain", "gitlab", "github", "jenkins", "azure"] | None = None

    @property
    def ledger_path(self) -> str:
        """The ledger's file, whether or not it is there."""
        return self.ledger or f"{self.directory.rstrip('/')}/ledger.sqlite"


class HttpTable(Table):
    """How the suite speaks HTTP: ``timeout`` is for a whole answer."""

    timeout: Duration = timedelta(seconds=10)
    max_per_host: Positive = 20
    max_body_bytes: Positive = 2_000_000
    ca_file: str | None = None


class Settings(Table):
    """The whole of release.toml."""

    release: ReleaseTable = ReleaseTable()
    ci: CiTable = CiTable()
    environments: dict[str, Environment] = Field(default_factory=dict)
    secrets: SecretsTable = SecretsTable()
    env: dict[str, EnvironmentRule] = Field(default_factory=dict)
    environment_matrix: EnvironmentMatrixTable = EnvironmentMatrixTable()
    migrations: MigrationsTable = MigrationsTable()
    world: WorldTable = WorldTable()
    database: DatabaseTable = DatabaseTable()
    redis: RedisTable = RedisTable()
    backup: BackupTable = BackupTable()
    drill: DrillTable = DrillTable()
    smoke: SmokeTable = SmokeTable()
    preflight: PreflightTable = PreflightTable()
    tls: TlsTable = TlsTable()
    staging_checks: StagingTable = Field(default=StagingTable(), alias="staging")
    routes: RoutesTable = RoutesTable()
    login: LoginTable = LoginTable()
    latency: LatencyTable = LatencyTable()
    monitoring: MonitoringTable = MonitoringTable()
    provider: ProviderTable = ProviderTable()
    deploy: DeployTable = DeployTable()
    maintenance: MaintenanceTable = MaintenanceTable()
    logs: LogsTable = LogsTable()
    sentry: SentryTable = SentryTable()
    alerts: AlertsTable = AlertsTable()
    prometheus: PrometheusTable = PrometheusTable()
    incident: IncidentTable = IncidentTable()
    not_applicable: dict[str, SomeText] = Field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    items: dict[str, ItemOverride] = Field(default_factory=dict)
    checks: ChecksTable = ChecksTable()
    verdict: VerdictTable = VerdictTable()
    report: ReportTable = ReportTable()
    http: HttpTable = HttpTable()

    @property
    def target(self) -> Environment:
        """The environment that the release goes to; empty where nothing is configured."""
        return self.environments.get(self.release.environment, Environment())

    @property
    def staging(self) -> Environment:
        """The staging environment; empty where nothing is configured."""
        return self.environments.get("staging", Environment())
