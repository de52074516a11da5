"""What a check may look at: settings, the release, the stage, the clock, and the probes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, field

from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.checks.watching import Watch
from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import Settings

Say = Callable[[str], None]


def utc_now() -> datetime:
    """The current time, with time zone."""
    return datetime.now(UTC)


class Context(Struct, frozen=True):
    """One run's surroundings, shared by all its checks.

    ``repository`` is the release's work tree; ``environment`` the process environment that
    secrets and tokens are read from; ``once`` does expensive work once for all checks and
    workers; ``say`` shows a line of progress; ``watch`` is there in the monitoring stage;
    ``reports`` is the folder that the run writes.
    """

    settings: Settings
    release: Release
    stage: Stage
    repository: Path
    probes: Probes
    once: Once
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    now: Callable[[], datetime] = utc_now
    say: Say = lambda _line: None
    watch: Watch | None = None
    reports: Path | None = None

    @property
    def api(self) -> str:
        """The address of the API that is released to. Raises NotConfigured."""
        return _address(self.settings.target.api, "api", "--base-url", self)

    @property
    def web(self) -> str:
        """The address of the web front that is released to. Raises NotConfigured."""
        return _address(self.settings.target.web, "web", "--web-url", self)

    @property
    def database_url(self) -> str:
        """The connection string of the database that is released to. Raises NotConfigured."""
        name = self.settings.target.database_env
        place = f"environments.{self.settings.release.environment}.database_env"
        if name is None:
            raise NotConfigured("no database is configured", remedy=f"Set {place} in release.toml.")
        return self.variable(name, f"the database's URL ({place})")

    def variable(self, name: str, purpose: str) -> str:
        """The value of an environment variable. Raises NotConfigured, naming the purpose."""
        value = self.environment.get(name)
        if not value:
            raise NotConfigured(
                f"{name} is not set in the environment",
                expected=purpose,
                remedy=f"Export {name} where pytest runs.",
            )
        return value


def _address(url: str | None, kind: str, option: str, look: Context) -> str:
    if url is None:
        place = f"environments.{look.settings.release.environment}.{kind}"
        raise NotConfigured(
            f"no {kind} address is configured",
            remedy=f"Pass {option}=URL or set {place} in release.toml.",
        )
    return url
