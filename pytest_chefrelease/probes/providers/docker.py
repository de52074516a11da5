"""What runs in Docker: containers, by the docker program; images, by a registry where one is named.

A container's environment is never read: it may hold secrets.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from pytest_chefrelease.errors import AccessDenied, Malformed, NotConfigured, Unreachable
from pytest_chefrelease.probes.commands import CommandRun, clean_environment, run_command
from pytest_chefrelease.probes.providers import marks
from pytest_chefrelease.probes.providers.provider import (
    Deployed,
    HealthCheck,
    Instance,
    PastRelease,
    State,
)
from pytest_chefrelease.probes.providers.registry import Registry

_TIME_LIMIT_S = 20.0
_PASSED_ON = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH")
_TLS = "DOCKER_TLS_VERIFY"
_FORMAT = (
    '{"name":{{json .Name}},"status":{{json .State.Status}},"exit_code":{{.State.ExitCode}},'
    '"health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}null{{end}},'
    '"restarts":{{.RestartCount}},"image":{{json .Config.Image}},"digest":{{json .Image}},'
    '"labels":{{json .Config.Labels}}}'
)
_STATES = {
    "running": State.RUNNING,
    "created": State.CHANGING,
    "restarting": State.CHANGING,
    "removing": State.CHANGING,
}


class _Container(msgspec.Struct):
    name: str
    status: str
    exit_code: int
    health: str | None
    restarts: int
    image: str
    digest: str
    labels: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class Docker:
    """The containers of one docker daemon; an application is a compose service or a container.

    ``surrounding`` is the environment that tells the program which daemon.
    """

    directory: Path
    surrounding: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    registry: Registry | None = None
    name: str = "docker"

    async def deployed(self, app: str) -> Deployed:
        """All containers of the application, ended ones too."""
        containers = await self._containers(app)
        instances = tuple(map(_instance, containers))
        return Deployed(
            place=f"docker, {app}",
            instances=instances,
            wanted=len(instances),
            is_changing=any(each.said in ("created", "health: starting") for each in instances),
        )

    async def releases(self, app: str) -> tuple[PastRelease, ...]:
        """What runs: docker does not remember what ran before."""
        found = dict.fromkeys(each.image for each in await self._containers(app))
        return tuple([await self._past(image) for image in found])

    async def _past(self, image: str) -> PastRelease:
        """The image; where a registry is configured, it has to hold it still."""
        problem = ""
        if self.registry is not None and await self.registry.digest_of(image) is None:
            problem = f"{self.registry.url} does not hold {image} any more"
        return PastRelease(image, marks.of_tag(marks.tag_of(image)), problem=problem)

    async def _containers(self, app: str) -> list[_Container]:
        ids = await self._ids(f"label=com.docker.compose.service={app}")
        ids = ids or await self._ids(f"name=^/?{re.escape(app)}$")
        if not ids:
            raise NotConfigured(
                f"docker has no container of {app}",
                expected="a compose service or a container of that name",
                remedy="Correct provider.app, or point DOCKER_HOST to where it runs.",
            )
        done = await self._run("docker", "inspect", "--type", "container", "-f", _FORMAT, *ids)
        try:
            return [msgspec.json.decode(line, type=_Container) for line in done.splitlines()]
        except msgspec.DecodeError:
            raise Malformed(
                "docker inspect printed something else than was asked for",
                expected="one JSON object a line",
                where="docker inspect",
                remedy="Run docker inspect by hand, and see what it says.",
            ) from None

    async def _ids(self, which: str) -> list[str]:
        listed = await self._run("docker", "ps", "--all", "--no-trunc", "--quiet", "-f", which)
        return listed.split()

    async def _run(self, *arguments: str) -> str:
        given = {n: self.surrounding[n] for n in (*_PASSED_ON, _TLS) if n in self.surrounding}
        done = await run_command(
            shlex.join(arguments),
            directory=self.directory,
            environment=clean_environment(self.surrounding, given),
            timeout_s=_TIME_LIMIT_S,
        )
        if done.exit_code != 0:
            raise _refused(done)
        return done.output.strip()


def _instance(container: _Container) -> Instance:
    health, status = container.health, container.status
    is_starting = status == "running" and health == "starting"
    state = State.CHANGING if is_starting else _STATES.get(status, State.FAILED)
    said = "health: starting" if is_starting else status
    if status in ("exited", "dead"):
        said = f"{status} with code {container.exit_code}"
    name = container.name.lstrip("/")
    checks = (HealthCheck("health", health, health == "healthy"),) if health else ()
    told = marks.of_labels(container.labels) | marks.of_tag(marks.tag_of(container.image))
    return Instance(
        name=name,
        state=state,
        said=said,
        image=f"{container.image}@{container.digest}",
        marks=told,
        checks=() if is_starting else checks,
        crashes=container.restarts,
    )


def _refused(done: CommandRun) -> Unreachable | AccessDenied:
    said = done.last_line[:200] or done.end
    if "permission denied" in said.lower():
        return AccessDenied(
            f"docker: {said}", remedy="Let this user use docker, or set DOCKER_HOST."
        )
    return Unreachable(
        f"docker: {said}", remedy="Start docker, or point DOCKER_HOST to where it runs."
    )
