"""The probes of one run, made when first asked for and closed together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_chefrelease.probes.paced import Paced
from pytest_chefrelease.settings.model import Settings

if TYPE_CHECKING:
    from pytest_chefrelease.probes.alertmanager import AlertsReading
    from pytest_chefrelease.probes.browser import BrowserProbe
    from pytest_chefrelease.probes.git import GitProbe
    from pytest_chefrelease.probes.github import GitHubProbe
    from pytest_chefrelease.probes.http import HttpProbe
    from pytest_chefrelease.probes.logs.source import LogReading, LogSource, Window
    from pytest_chefrelease.probes.postgres import PostgresProbe
    from pytest_chefrelease.probes.redis import RedisProbe
    from pytest_chefrelease.probes.scratch.keeper import Keeper
    from pytest_chefrelease.probes.sentry_reading import SentryReading
    from pytest_chefrelease.probes.tls import TlsProbe


@dataclass(slots=True)
class Probes:
    """Gives each check the probe it needs; each client of HTTP and the browser once for all."""

    settings: Settings
    repository: Path
    _http: HttpProbe | None = None
    _fresh_http: HttpProbe | None = None
    _browser: BrowserProbe | None = None
    _github: dict[str, GitHubProbe] = field(default_factory=dict)
    _postgres: dict[str, PostgresProbe] = field(default_factory=dict, repr=False)
    _scratch: Keeper | None = field(default=None, repr=False)
    _logs: dict[Window, LogReading] = field(default_factory=dict)
    _sentry: Paced[SentryReading] | None = None
    _alerts: Paced[AlertsReading] | None = None
    _closers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @property
    def http(self) -> HttpProbe:
        """The shared HTTP client."""
        if self._http is None:
            self._http = self._make_http(keeps_connections=True)
        return self._http

    @property
    def fresh_http(self) -> HttpProbe:
        """A client whose every request has a connection of its own."""
        if self._fresh_http is None:
            self._fresh_http = self._make_http(keeps_connections=False)
        return self._fresh_http

    def _make_http(self, *, keeps_connections: bool) -> HttpProbe:
        from pytest_chefrelease.probes.http import HttpProbe

        made = HttpProbe(
            timeout_s=self.settings.http.timeout.total_seconds(),
            max_per_host=self.settings.http.max_per_host,
            max_body_bytes=self.settings.http.max_body_bytes,
            ca_file=self.settings.http.ca_file,
            keeps_connections=keeps_connections,
        )
        self._closers.append(made.close)
        return made

    @property
    def git(self) -> GitProbe:
        """The git program on the release's work tree."""
        from pytest_chefrelease.probes.git import GitProbe

        return GitProbe(self.repository)

    def github(self, repository: str, token: str) -> GitHubProbe:
        """GitHub's API for ``owner/name``; one for each, so that unchanged answers are kept."""
        from pytest_chefrelease.probes.github import GitHubProbe

        if repository not in self._github:
            ci = self.settings.ci
            self._github[repository] = GitHubProbe(
                self.http, ci.api_url, repository, token, ci.token_env
            )
        return self._github[repository]

    def postgres(self, url: str) -> PostgresProbe:
        """The database at a URL; one for each, so that its limit of connections holds."""
        from pytest_chefrelease.probes.postgres import PostgresProbe

        return self._postgres.setdefault(url, PostgresProbe(url))

    def redis(self, url: str) -> RedisProbe:
        """The Redis at a URL."""
        from pytest_chefrelease.probes.redis import RedisProbe

        return RedisProbe(url)

    @property
    def browser(self) -> BrowserProbe:
        """The one browser of this process."""
        if self._browser is None:
            from pytest_chefrelease.probes.browser import BrowserProbe

            self._browser = BrowserProbe(chromium=self.settings.routes.chromium)
            self._closers.append(self._browser.close)
        return self._browser

    @property
    def tls(self) -> TlsProbe:
        """Certificates, by connections of its own."""
        from pytest_chefrelease.probes.tls import TlsProbe

        http = self.settings.http
        return TlsProbe(timeout_s=http.timeout.total_seconds(), ca_file=http.ca_file)

    def logs(self, window: Window, environment: Mapping[str, str]) -> LogReading:
        """The logs of a window, read by all checks together. Raises NotConfigured."""
        if window not in self._logs:
            from pytest_chefrelease.probes.logs.paced import PacedReading

            source = self.log_source(environment)
            reading = PacedReading(source.reading(window), source.every_s)
            self._logs[window] = reading
            self._closers.append(reading.close)
        return self._logs[window]

    def log_source(self, environment: Mapping[str, str]) -> LogSource:
        """Where logs are kept. Raises NotConfigured."""
        from pytest_chefrelease.probes.logs.choose import LogSurroundings, choose_log_source

        around = LogSurroundings(self.settings, self.repository, environment, self.http)
        return choose_log_source(around)

    @property
    def sentry(self) -> Paced[SentryReading]:
        """What Sentry said last."""
        if self._sentry is None:
            self._sentry = Paced(self.settings.sentry.every.total_seconds())
        return self._sentry

    @property
    def alerts(self) -> Paced[AlertsReading]:
        """What Alertmanager said last."""
        if self._alerts is None:
            self._alerts = Paced(self.settings.alerts.every.total_seconds())
        return self._alerts

    @property
    def scratch(self) -> Keeper:
        """PostgreSQL servers of our own, gone when the run ends."""
        if self._scratch is None:
            from pytest_chefrelease.probes.scratch.keeper import Keeper

            self._scratch = Keeper()
            self._closers.append(self._scratch.close)
        return self._scratch

    def at_end(self, closer: Callable[[], Awaitable[None]]) -> None:
        """Have something done when the run ends, also on Ctrl-C."""
        self._closers.append(closer)

    async def close(self) -> None:
        """Close what was opened, last first."""
        while self._closers:
            await self._closers.pop()()
