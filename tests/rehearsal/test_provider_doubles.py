"""The doubles of Fly.io and Render, held to the vendors' published documents (contracts/)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_chefrelease.rehearsal.doubles import fly, render
from pytest_chefrelease.rehearsal.intercept import Json
from tests.probes.vendor_doubles import (
    PREVIOUS,
    RELEASE,
    TOKENS,
    serving_fly,
    serving_render,
)
from tests.rehearsal.openapi import problems

FOLDER = Path(__file__).parent / "contracts"
FLY = json.loads((FOLDER / "fly.openapi.json").read_text())
RENDER = json.loads((FOLDER / "render.openapi.json").read_text())
VOLUMES = (
    "/apps/chefcloud-prod-db/volumes",
    "/apps/chefcloud-prod-db/volumes/vol_4qk2n8w1zr6d5x0v/snapshots",
)
MACHINES = "/apps/chefcloud-prod-api/machines"
SERVICE = f"/services/{render.SERVICE}"


def fly_says(path: str, fields: Mapping[str, Json] | None = None) -> Any:  # noqa: ANN401
    async def go() -> Any:  # noqa: ANN401
        async with serving_fly() as running, httpx.AsyncClient() as client:
            running.double.change(fields or {})
            headers = {"authorization": f"Bearer {TOKENS['FLY_API_TOKEN']}"}
            return (await client.get(running.url + path, headers=headers)).json()

    return asyncio.run(go())


def render_says(path: str, fields: Mapping[str, Json] | None = None) -> Any:  # noqa: ANN401
    async def go() -> Any:  # noqa: ANN401
        async with serving_render() as running, httpx.AsyncClient() as client:
            running.double.change(fields or {})
            headers = {"authorization": f"Bearer {TOKENS['RENDER_API_KEY']}"}
            return (await client.get(running.url + path, headers=headers)).json()

    return asyncio.run(go())


def test_flys_answers_are_as_its_document_says() -> None:
    looping = fly.fleet(exits_ago_s=[30, 60], check="critical")
    changes = {**fly.deployed(PREVIOUS, RELEASE), "machines": looping}
    first = fly.machine(fly.API_APP, 0)["id"]

    for path in (
        MACHINES,
        f"{MACHINES}/{first}/versions",
        "/apps/chefcloud-prod-api/secrets",
        *VOLUMES,
    ):
        body = fly_says(path, changes)
        assert body
        assert problems(FLY, path, body) == []


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (SERVICE, {}),
        (SERVICE, {"type": "static_site"}),
        (f"{SERVICE}/deploys?limit=50", {}),
        (
            f"{SERVICE}/deploys?limit=50",
            {"deploys": [render.deploy(2, "c" * 40, "build_in_progress", 5)]},
        ),
        (f"{SERVICE}/instances", {}),
        (f"/postgres/{render.DATABASE}/recovery", {}),
        (f"/postgres/{render.DATABASE}/recovery", {"recovery": "BACKUP_NOT_READY"}),
        (f"{SERVICE}/events?type=server_failed&limit=100", {"failures_ago_s": [30, 90]}),
    ],
)
def test_renders_answers_are_as_its_document_says(path: str, fields: Mapping[str, Json]) -> None:
    body = render_says(path, fields)

    assert body
    assert problems(RENDER, path, body) == []


def test_the_validation_would_notice_what_is_not_documented() -> None:
    machines = fly_says(MACHINES)
    machines[0]["version"] = 7
    service = render_says(SERVICE)
    del service["slug"]

    assert problems(FLY, MACHINES, machines) == [
        "$[0]: Additional properties are not allowed ('version' was unexpected)"
    ]
    assert problems(RENDER, SERVICE, service) == ["$: 'slug' is a required property"]


def test_who_has_no_token_is_refused() -> None:
    async def go() -> list[int]:
        async with serving_fly() as one, serving_render() as other, httpx.AsyncClient() as client:
            answers = [await client.get(one.url + MACHINES), await client.get(other.url + SERVICE)]
            return [answer.status_code for answer in answers]

    assert asyncio.run(go()) == [401, 401]


def test_a_deploy_gives_the_machines_another_image_and_keeps_the_one_before() -> None:
    before = fly_says(MACHINES)
    after = fly_says(MACHINES, fly.deployed(PREVIOUS, RELEASE))
    versions = fly_says(f"{MACHINES}/{after[0]['id']}/versions", fly.deployed(PREVIOUS, RELEASE))

    assert {each["image_ref"]["digest"] for each in before}.isdisjoint(
        each["image_ref"]["digest"] for each in after
    )
    assert [each["user_config"]["image"] for each in versions] == [
        after[0]["config"]["image"],
        before[0]["config"]["image"],
    ]
