"""The double of Loki, held to what Loki's reference says of its range queries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from pytest_chefrelease.rehearsal.chefcloud.visitors import request_line
from pytest_chefrelease.rehearsal.doubles import loki
from pytest_chefrelease.rehearsal.world import Plant
from tests.probes.monitoring_doubles import serving
from tests.probes.vendor_doubles import PREVIOUS, WORLD
from tests.rehearsal.openapi import problems

DOCUMENT = json.loads((Path(__file__).parent / "contracts" / "loki.openapi.json").read_text())
BEGIN_S = 1_795_000_000
TOKEN = "glc_test"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Ten requests, one a second, the fourth of which failed."""
    path = tmp_path / "api.json"
    lines = (request_line(BEGIN_S + n, "GET", "/", 500 if n == 3 else 200) for n in range(10))
    path.write_text("".join(lines) + '{"level":30,"time":17')
    return path


def says(
    log: Path, asked: Mapping[str, str | int], token: str = TOKEN, *, is_shipping: bool = True
) -> httpx.Response:
    plants = {"production": Plant(PREVIOUS, "", "", str(log))}
    double = loki.build(replace(WORLD, plants=plants, loki_token=TOKEN))
    double.change({"is_shipping": is_shipping})

    async def go() -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"}
        async with serving(double) as running, httpx.AsyncClient() as client:
            return await client.get(running.url + loki.PATH, params=asked, headers=headers)

    return asyncio.run(go())


def asked(begin: float = 0, end: float = 10, **more: str | int) -> dict[str, str | int]:
    window = {"start": round((BEGIN_S + begin) * 1e9), "end": round((BEGIN_S + end) * 1e9)}
    return {"query": '{app="api"}', "direction": "forward", **window, **more}


def times(answer: httpx.Response) -> list[float]:
    """The seconds of all lines, in the order of time."""
    streams = answer.json()["data"]["result"]
    return sorted(int(at) / 1e9 - BEGIN_S for stream in streams for at, _ in stream["values"])


def test_lines_come_by_stream_as_its_reference_says(log: Path) -> None:
    answer = says(log, asked())

    assert problems(DOCUMENT, loki.PATH, answer.json()) == []
    streams = answer.json()["data"]["result"]
    assert [stream["stream"]["level"] for stream in streams] == ["30", "50"]
    assert [json.loads(line)["res"] for _, line in streams[1]["values"]] == [{"statusCode": 500}]
    assert times(answer) == [float(n) for n in range(10)]


def test_the_start_is_part_of_a_range_and_the_end_is_not(log: Path) -> None:
    assert times(says(log, asked(2, 5))) == [2.0, 3.0, 4.0]


def test_of_too_many_lines_the_side_that_is_asked_for_comes(log: Path) -> None:
    assert times(says(log, asked(limit=2))) == [0.0, 1.0]
    assert times(says(log, asked(limit=2, direction="backward"))) == [8.0, 9.0]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"query": "app=api"}, "parse error"), ({"limit": 5_001}, "max entries limit")],
)
def test_what_loki_does_not_take_is_refused_in_plain_text(
    log: Path, wrong: dict[str, str | int], reason: str
) -> None:
    answer = says(log, asked() | wrong)

    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (400, "text/plain")
    assert reason in answer.text


def test_without_the_token_or_a_shipper_there_are_no_lines(log: Path) -> None:
    assert says(log, asked(), "other").status_code == 401
    assert times(says(log, asked(), is_shipping=False)) == []
    assert times(says(log, asked(query='{app="web"}'))) == []
