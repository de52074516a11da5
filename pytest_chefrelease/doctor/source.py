"""A source: something outside that items read, with all that reading it touches."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from fnmatch import fnmatchcase

from msgspec import Struct


class Kind(StrEnum):
    """How a source is examined; each kind has its function in ``examine``."""

    REPOSITORY = "repository"
    REMOTE = "remote"
    GITHUB = "github"
    HTTP = "http"
    DATABASE = "database"
    REDIS = "redis"
    SECRETS = "secrets"
    PROVIDER = "provider"
    SENTRY = "sentry"
    ALERTS = "alerts"
    METRICS = "metrics"
    LOAD = "load"
    LOGS = "logs"
    BACKUPS = "backups"
    AUTOMATIC = "automatic backups"
    ACCOUNT = "account"
    BROWSER = "browser"
    PROGRAM = "program"
    REPORTS = "reports"


class Touch(Struct, frozen=True):
    """One way of touching one place: ``GET, HEAD`` ``https://api.example``.

    ``is_host`` tells hosts from files and programs.
    """

    verb: str
    place: str
    is_host: bool = False


class Source(Struct, frozen=True):
    """What items read, whether or not it is configured.

    ``items`` are globs of item ids; ``place`` is its address, path or program, None where
    nothing is configured, and ``remedy`` is then the setting that configures it; ``credentials``
    are names of variables; ``is_optional`` says that the runbook does without.
    """

    name: str
    kind: Kind
    items: tuple[str, ...]
    place: str | None
    touches: tuple[Touch, ...] = ()
    credentials: tuple[str, ...] = ()
    remedy: str = ""
    is_optional: bool = False

    def unlocks(self, item_ids: Iterable[str]) -> tuple[str, ...]:
        """Which of the items read it."""
        return tuple(i for i in item_ids if any(fnmatchcase(i, glob) for glob in self.items))
