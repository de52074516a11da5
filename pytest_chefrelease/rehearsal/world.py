"""The world that the server process is told of: what stands where, and under which name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from pytest_chefrelease.rehearsal.intercept import Json


@dataclass(frozen=True, slots=True)
class Build:
    """A version of the product that an environment runs."""

    version: str
    commit: str
    built_at: str

    def fields(self) -> dict[str, Json]:
        """The fields of ``Running`` that a deploy of this build sets."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Plant:
    """One environment of ChefCloud as the server has to run it."""

    build: Build
    database_url: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    log: str


@dataclass(frozen=True, slots=True)
class World:
    """What is true when the server starts, and the secrets that its sites check.

    ``plants`` are ChefCloud's environments by name. ``database_folder`` is PostgreSQL's
    folder and ``database_pid`` its process: the server process ends both, and removes
    ``leftovers``, when it finds that whoever started it is gone. ``urls`` has the address
    of each site once the server has bound its ports.
    """

    origin: str
    slug: str
    release_commit: str
    plants: Mapping[str, Plant]
    github_token: str = field(repr=False)
    fly_token: str = field(repr=False)
    render_token: str = field(repr=False)
    redis_password: str = field(repr=False)
    control_token: str = field(repr=False)
    database_pid: int
    database_folder: str
    leftovers: tuple[str, ...] = ()
    urls: Mapping[str, str] = field(default_factory=dict)
    sentry_token: str = field(default="", repr=False)
    loki_token: str = field(default="", repr=False)
