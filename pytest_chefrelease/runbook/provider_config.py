"""What is wrong with how render.yaml and fly.toml say that the application is run.

Sources: Render, "Blueprint YAML Reference"; Fly.io, "App configuration (fly.toml)"; the mistakes
are those found in real files: a health check path on a type of service that has none,
``CORS_ORIGIN`` where the application reads ``CORS_ORIGINS``, NODE_ENV=staging in a file used for
production, machines that stop when nobody asks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NamedTuple

from pytest_chefrelease.runbook.environment_matrix import CHEFCLOUD, Around, Expected


@dataclass(frozen=True, slots=True)
class Service:
    """A service as a provider's file describes it; None where the file does not say.

    ``kind`` is Render's type (web, worker …) or web and worker at Fly.io; ``is_static`` one
    without a process. ``instances`` is the least number that always runs, ``sleeps`` says
    that it may be stopped when nobody asks. ``auto_deploys_from`` is the branch whose pushes
    are deployed. ``unknown_keys`` are not of the file's schema, with their lines.
    """

    path: str
    provider: str
    name: str
    kind: str
    line: int = 0
    is_static: bool = False
    health_path: str | None = None
    region: str | None = None
    instances: int | None = None
    sleeps: bool = False
    release_command: str | None = None
    auto_deploys_from: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    unknown_keys: tuple[tuple[str, int], ...] = ()

    @property
    def file(self) -> str:
        """The file's name: ``fly.toml``."""
        return self.path.rpartition("/")[2]

    @property
    def is_asked(self) -> bool:
        """Whether requests from outside reach a process of it."""
        return self.kind == "web" and not self.is_static

    @property
    def label(self) -> str:
        """The service with its file, for messages."""
        return f"{self.name} in {self.path}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What settings ask of provider files."""

    main_branch: str
    min_instances: int | None = None
    has_migrations: bool = False
    variables: Mapping[str, Expected] = field(default_factory=lambda: CHEFCLOUD)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, where, and what to write instead."""

    where: str
    line: int
    what: str
    remedy: str


def mistakes(services: Sequence[Service], wanted: Wanted) -> tuple[Mistake, ...]:
    """Everything that is wrong with the services of one kind of file."""
    found = [m for service in services for m in _of_service(service, wanted)]
    asked = [service for service in services if service.is_asked]
    if wanted.has_migrations and asked and not any(s.release_command for s in services):
        first = asked[0]
        key = "preDeployCommand" if first.provider == "render" else "[deploy] release_command"
        found.append(
            Mistake(
                first.path,
                first.line,
                "no service names the release command, so that nobody runs the migrations",
                f"Add {key}, such as npx prisma migrate deploy, to the API.",
            )
        )
    return tuple(found)


def _of_service(service: Service, wanted: Wanted) -> Iterator[Mistake]:
    for what, remedy in (
        *_health(service),
        *_running(service, wanted),
        *_placing(service, wanted),
        *_variables(service, wanted.variables),
    ):
        yield Mistake(service.label, service.line, f"{service.label}: {what}", remedy)
    for key, line in service.unknown_keys:
        near = get_close_matches(key, _KEYS[service.provider], n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        what = f"{service.label}: {key} is no key of it{hint}"
        yield Mistake(service.label, line, what, "Correct or remove it: it has no effect.")


class Said(NamedTuple):
    """What is wrong with a service, and what to write instead."""

    what: str
    remedy: str


def _health(service: Service) -> Iterator[Said]:
    if service.is_asked and not service.health_path:
        key = "healthCheckPath" if service.provider == "render" else "[[http_service.checks]]"
        yield Said(
            "it names no health endpoint, so that a deploy that does not answer goes live",
            f"Add {key} with the path that says whether it is ready.",
        )
    if service.health_path and not service.is_asked:
        yield Said(
            f"a health check path on a {'static site' if service.is_static else service.kind}, "
            "which has none: it is not looked at",
            "Remove it; what checks it has to be said elsewhere.",
        )
    if service.is_asked and service.health_path and not service.health_path.startswith("/"):
        yield Said(
            f"the health path {service.health_path[:60]} does not begin with /", "Begin it with /"
        )


def _running(service: Service, wanted: Wanted) -> Iterator[Said]:
    if service.is_asked and service.sleeps:
        where = (
            'auto_stop_machines = "off", or min_machines_running of 1 or more'
            if service.provider == "fly"
            else "a plan other than free"
        )
        yield Said(
            "it is stopped when nobody asks: the next request waits for a cold start, which "
            "breaks P95 and the watch",
            f"Set {where}.",
        )
    least = wanted.min_instances
    if service.is_asked and least is not None and (service.instances or 0) < least:
        has = "1" if service.instances is None else str(service.instances)
        yield Said(
            f"{has} instance{'s' * (has != '1')} always run, {least} are asked for",
            f"Set {'min_machines_running' if service.provider == 'fly' else 'numInstances'}"
            f" = {least}.",
        )


def _placing(service: Service, wanted: Wanted) -> Iterator[Said]:
    if service.region is None and not service.is_static:
        key = "primary_region" if service.provider == "fly" else "region"
        yield Said("it names no region: the provider chooses", f"Add {key}, where the database is.")
    branch = service.auto_deploys_from
    if branch is not None and branch != wanted.main_branch:
        yield Said(
            f"pushes to {branch[:60]} are deployed by themselves, the main branch is "
            f"{wanted.main_branch}",
            "Correct branch, or set autoDeployTrigger: off.",
        )


def _variables(service: Service, known: Mapping[str, Expected]) -> Iterator[Said]:
    for name, value in service.variables.items():
        expected = known.get(name)
        if expected is not None:
            problem = expected.judge(value, Around(values=dict(service.variables)))
            if problem is not None:
                yield Said(f"{name}: {problem}", f"Set it to {expected.text}.")
        else:
            yield from _misspelt(name, service.variables, known)


def _misspelt(name: str, given: Collection[str], known: Mapping[str, Expected]) -> Iterator[Said]:
    """A name beside one that the application reads: nobody reads the variable."""
    near = get_close_matches(name, known, n=1, cutoff=0.93)
    if near and near[0] not in given:
        yield Said(f"{name} is set, and the application reads {near[0]}", f"Call it {near[0]}.")


RENDER_KEYS = frozenset(
    """type name runtime env repo branch rootDir plan region numInstances scaling autoDeploy
    autoDeployTrigger healthCheckPath buildCommand startCommand preDeployCommand initialDeployHook
    dockerCommand dockerfilePath dockerContext registryCredential image disk domain domains
    renderSubdomainPolicy envVars buildFilter headers routes staticPublishPath previews
    pullRequestPreviewsEnabled previewPlan ipAllowList maxmemoryPolicy maxShutdownDelaySeconds
    schedule maintenanceMode persistenceMode projectId environmentId""".split()  # noqa: SIM905 - keys as the document lists them
)
FLY_KEYS = frozenset(
    """app primary_region kill_signal kill_timeout swap_size_mb console_command build deploy env
    http_service services checks metrics mount mounts processes statics vm files restart
    experimental host_dedication_id machine_checks""".split()  # noqa: SIM905
)
_KEYS = {"render": RENDER_KEYS, "fly": FLY_KEYS}
