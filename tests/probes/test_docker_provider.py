"""What runs in docker, read through the docker program, and whether a registry holds its image."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import stat
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

import pytest

from pytest_chefrelease.errors import (
    AccessDenied,
    Malformed,
    MissingExtra,
    NotConfigured,
    Unreachable,
)
from pytest_chefrelease.probes.http import HttpProbe
from pytest_chefrelease.probes.providers.docker import Docker
from pytest_chefrelease.probes.providers.provider import Deployed, State
from pytest_chefrelease.probes.providers.registry import Registry
from tests.probes.loopback import Request, answer, serving

T = TypeVar("T")
COMMIT = "c0ffee5" + "0" * 33
RUNNING: Mapping[str, object] = {
    "name": "/chefcloud-api-1",
    "status": "running",
    "exit_code": 0,
    "health": "healthy",
    "restarts": 0,
    "image": "registry.example/chefcloud/api:v1.5.0",
    "digest": "sha256:" + "a" * 64,
    "labels": {"org.opencontainers.image.revision": COMMIT, "maintainer": "chef"},
}

# Plays the program: notes how it was asked, then prints what the test has laid down.
PROGRAM = """#!/bin/sh
printf '%s\\n' "$*" >> "{folder}/asked"
case "$1 $*" in
  ps*"label="*) cat "{folder}/by-label" ;;
  ps*) cat "{folder}/by-name" ;;
  inspect*) cat "{folder}/inspected" ;;
esac
test -f "{folder}/fails" && {{ cat "{folder}/fails" >&2; exit 1; }}
exit 0
"""


def docker(folder: Path, *containers: Mapping[str, object], service: bool = True) -> Docker:
    """Docker with a program that knows these containers, of a compose service or by name."""
    program = folder / "docker"
    program.write_text(PROGRAM.format(folder=folder))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    ids = "\n".join(f"{number:064x}" for number in range(len(containers)))
    (folder / "by-label").write_text(ids if service else "")
    (folder / "by-name").write_text("" if service else ids)
    (folder / "inspected").write_text("\n".join(map(json.dumps, containers)))
    return Docker(folder, {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"})


def deployed(of: Docker) -> Deployed:
    return asyncio.run(of.deployed("api"))


def test_a_running_container_tells_image_health_and_commit(tmp_path: Path) -> None:
    found = deployed(docker(tmp_path, RUNNING))

    (one,) = found.instances
    assert (one.name, one.state, one.unwell) == ("chefcloud-api-1", State.RUNNING, "")
    assert one.marks == {
        "label org.opencontainers.image.revision": COMMIT,
        "image tag": "v1.5.0",
    }
    assert found.wanted == 1


@pytest.mark.parametrize("service", [True, False])
def test_containers_are_found_by_service_or_by_name_and_no_environment_is_asked_for(
    tmp_path: Path, *, service: bool
) -> None:
    deployed(docker(tmp_path, RUNNING, service=service))

    asked = (tmp_path / "asked").read_text()
    assert "label=com.docker.compose.service=api" in asked
    assert ("name=^/?api$" in asked) is not service
    assert ".Env" not in asked


@pytest.mark.parametrize(
    ("change", "state", "unwell"),
    [
        ({"status": "exited", "exit_code": 137}, State.FAILED, "exited with code 137"),
        ({"status": "restarting"}, State.CHANGING, "restarting"),
        ({"health": "unhealthy"}, State.RUNNING, "health is unhealthy"),
        ({"health": "starting"}, State.CHANGING, "health: starting"),
        ({"health": None}, State.RUNNING, ""),
    ],
)
def test_what_is_not_well_is_told(
    tmp_path: Path, change: dict[str, object], state: State, unwell: str
) -> None:
    (one,) = deployed(docker(tmp_path, {**RUNNING, **change})).instances

    assert (one.state, one.unwell) == (state, unwell)


def test_restarts_are_counted(tmp_path: Path) -> None:
    (one,) = deployed(docker(tmp_path, {**RUNNING, "restarts": 7})).instances

    assert one.crashes == 7


def test_no_container_of_that_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="docker has no container of api"):
        deployed(docker(tmp_path))


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", Unreachable),
        ("permission denied while trying to connect to the Docker daemon socket", AccessDenied),
    ],
)
def test_a_daemon_that_refuses_is_told_in_its_words(
    tmp_path: Path, said: str, kind: type[Exception]
) -> None:
    of = docker(tmp_path, RUNNING)
    (tmp_path / "fails").write_text(said)

    with pytest.raises(kind, match=said[:20]):
        deployed(of)


def test_another_output_and_a_missing_program_are_told(tmp_path: Path) -> None:
    of = docker(tmp_path, RUNNING)
    (tmp_path / "inspected").write_text("Error: no such format")

    with pytest.raises(Malformed):
        deployed(of)
    with pytest.raises(MissingExtra, match="docker cannot be run"):
        deployed(Docker(tmp_path, {"PATH": str(tmp_path / "empty")}))


# --- the registry


def with_registry(
    reply: Callable[[Request], bytes],
    work: Callable[[Registry], Awaitable[T]],
    credentials: str | None = None,
) -> T:
    async def replied(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(request))

    async def go() -> T:
        http = HttpProbe()
        async with serving(replied) as site:
            try:
                return await work(Registry(http, site.url, credentials))
            finally:
                await http.close()

    return asyncio.run(go())


def digest(
    reply: Callable[[Request], bytes],
    image: str = "registry.example/chefcloud/api:v1.4.2",
    credentials: str | None = None,
) -> str | None:
    return with_registry(reply, lambda registry: registry.digest_of(image), credentials)


@pytest.mark.parametrize(
    ("image", "path"),
    [
        ("registry.example/chefcloud/api:v1.4.2", "/v2/chefcloud/api/manifests/v1.4.2"),
        ("chefcloud/api", "/v2/chefcloud/api/manifests/latest"),
        ("localhost:5000/api@sha256:abc", "/v2/api/manifests/sha256:abc"),
    ],
)
def test_an_image_is_asked_for_by_its_repository_and_tag(image: str, path: str) -> None:
    def reply(request: Request) -> bytes:
        assert (request.method, request.path) == ("HEAD", path)
        assert "application/vnd.oci.image.index.v1+json" in request.headers["accept"]
        return answer(200, "", {"docker-content-digest": "sha256:abc"})

    assert digest(reply, image) == "sha256:abc"


def test_an_image_that_is_gone_makes_a_past_release_a_problem(tmp_path: Path) -> None:
    of = docker(tmp_path, RUNNING)

    async def work(registry: Registry) -> str:
        (past,) = await Docker(tmp_path, of.surrounding, registry).releases("api")
        return past.problem

    problem = with_registry(lambda _: answer(404), work)
    assert problem.endswith("does not hold registry.example/chefcloud/api:v1.5.0 any more")
    assert with_registry(lambda _: answer(200), work) == ""


def challenged(request: Request) -> bytes:
    """A registry that wants a token, which its own token server gives to chef:secret."""
    if request.path.startswith("/token"):
        assert "scope=repository%3Achefcloud%2Fapi%3Apull" in request.path
        basic = "Basic " + base64.b64encode(b"chef:secret").decode()
        is_known = request.headers.get("authorization") == basic
        return answer(200, '{"token": "t1"}') if is_known else answer(401)
    if request.headers.get("authorization") == "Bearer t1":
        return answer(200, "", {"docker-content-digest": "sha256:abc"})
    realm = f"http://{request.headers['host']}/token"
    scope = "repository:chefcloud/api:pull"
    told = f'Bearer realm="{realm}",service="registry",scope="{scope}"'
    return answer(401, "", {"www-authenticate": told})


def test_a_challenge_is_answered_with_a_token() -> None:
    assert digest(challenged, credentials="chef:secret") == "sha256:abc"


def test_wrong_credentials_name_their_variable() -> None:
    with pytest.raises(AccessDenied, match="REGISTRY_CREDENTIALS"):
        digest(challenged, credentials="chef:wrong")


def test_credentials_are_not_sent_in_the_clear_to_another_host() -> None:
    told = 'Bearer realm="http://elsewhere.example/token",service="x"'

    with pytest.raises(AccessDenied, match="not known here"):
        digest(lambda _: answer(401, "", {"www-authenticate": told}), credentials="chef:secret")
