"""Logs that others keep: doubles that answer as Loki's and Render's documents say, and programs."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_chefrelease.errors import (
    AccessDenied,
    Malformed,
    MissingExtra,
    NotConfigured,
    ProbeError,
    RateLimited,
    Unreachable,
)
from pytest_chefrelease.probes.http import HttpProbe
from pytest_chefrelease.probes.logs import loki, render
from pytest_chefrelease.probes.logs.choose import LogSurroundings, choose_log_source
from pytest_chefrelease.probes.logs.command import CommandSource
from pytest_chefrelease.probes.logs.loki import LokiSource
from pytest_chefrelease.probes.logs.paced import PacedReading
from pytest_chefrelease.probes.logs.render import RenderSource
from pytest_chefrelease.probes.logs.source import LogSource, Window
from pytest_chefrelease.runbook.log_tally import Tally
from pytest_chefrelease.settings.load import validate
from tests.logs.writing import T0, pino
from tests.probes.loopback import Reply, Request, Site, answer, serving
from tests.rehearsal.openapi import operation_of, problems

DOCUMENT = json.loads(
    (Path(__file__).parents[1] / "rehearsal" / "contracts" / "render.openapi.json").read_text()
)
LATELY = Window(round(time.time() * 1000) - 2_000_000)
TOKEN = "rnd_or_loki"
SERVICE = "srv-chefcloud"


@dataclass
class Kept:
    """Lines that a double keeps: time in milliseconds since 1970, and text, oldest first."""

    lines: list[tuple[int, str]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    refusal: bytes | None = None

    def add(self, count: int, ago_s: float = 1.0, status: int = 200) -> None:
        """Ten lines a second, from so long ago on."""
        begin_ms = round((time.time() - ago_s) * 1000)
        for n in range(count):
            at_ms = begin_ms + n * 100
            line = pino((at_ms - T0) / 1000, status, f"/pos/orders/{n}")
            self.lines.append((at_ms, line.strip()))


def asked_of(request: Request) -> dict[str, str]:
    query = parse_qs(urlsplit(request.path).query)
    return {name: values[0] for name, values in query.items()}


def loki_of(kept: Kept) -> Reply:
    """``GET /loki/api/v1/query_range``: start included, end not, oldest first, by streams."""

    def reply(request: Request) -> bytes:
        asked = asked_of(request)
        kept.asked.append(asked)
        assert request.path.startswith("/loki/api/v1/query_range?")
        assert asked["direction"] == "forward"
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return answer(401, "no org id")
        inside = [
            (at_ms * 1_000_000, text)
            for at_ms, text in kept.lines
            if int(asked["start"]) <= at_ms * 1_000_000 < int(asked["end"])
        ][: int(asked["limit"])]
        streams = [
            {
                "stream": {"app": "api", "pod": str(pod)},
                "values": [[str(at), text] for at, text in inside[pod::2]],
            }
            for pod in (0, 1)
        ]
        data = {"resultType": "streams", "result": streams, "stats": {}}
        return answer(200, json.dumps({"status": "success", "data": data}))

    return replying(kept, reply)


def render_of(kept: Kept) -> Reply:
    """``GET /logs``, held to Render's document, and the service that it asks the owner of."""

    def reply(request: Request) -> bytes:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return answer(401, "{}")
        if request.path == f"/v1/services/{SERVICE}":
            return answer(200, json.dumps({"id": SERVICE, "ownerId": "tea-1"}))
        asked = asked_of(request)
        kept.asked.append(asked)
        known = parameters()
        assert asked.keys() <= known.keys()
        assert {name for name, each in known.items() if each.get("required")} <= asked.keys()
        start, end = (datetime.fromisoformat(asked[name]) for name in ("startTime", "endTime"))
        inside = [(ms, text) for ms, text in kept.lines if start <= at(ms) < end]
        page = inside[: int(asked["limit"])]
        following = at(page[-1][0]) + timedelta(milliseconds=1) if page else end
        body = {
            "hasMore": len(inside) > len(page),
            "nextStartTime": following.isoformat(),
            "nextEndTime": end.isoformat(),
            "logs": [
                {
                    "id": f"log-{ms}",
                    "message": text,
                    "timestamp": at(ms).isoformat(),
                    "labels": [{"name": "resource", "value": SERVICE}],
                }
                for ms, text in page
            ],
        }
        assert problems(DOCUMENT, "/logs", body) == []
        return answer(200, json.dumps(body))

    return replying(kept, reply)


def parameters() -> dict[str, Any]:
    """What Render's document lets ``GET /logs`` be asked with."""
    shared = DOCUMENT["components"]["parameters"]
    listed = operation_of(DOCUMENT, "/logs")["parameters"]
    named = (shared[each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in listed)
    return {each["name"]: each for each in named}


def at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def replying(kept: Kept, reply: Callable[[Request], bytes]) -> Reply:
    async def send(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(kept.refusal or reply(request))

    return send


def loki_at(site: Site, http: HttpProbe) -> LogSource:
    return LokiSource(http, site.url, '{app="api"}', TOKEN, "LOKI_TOKEN")


def render_at(site: Site, http: HttpProbe) -> LogSource:
    return RenderSource(http, SERVICE, TOKEN, f"{site.url}/v1")


VENDORS = {"loki": (loki_of, loki_at), "render": (render_of, render_at)}


@asynccontextmanager
async def keeping(vendor: str, kept: Kept) -> AsyncIterator[LogSource]:
    double, source_at = VENDORS[vendor]
    http = HttpProbe(timeout_s=5, max_per_host=4, max_body_bytes=10_000_000)
    async with serving(double(kept)) as site:
        try:
            yield source_at(site, http)
        finally:
            await http.close()


@pytest.mark.parametrize("vendor", VENDORS)
def test_pages_are_read_to_the_end_and_new_lines_once(vendor: str) -> None:
    kept = Kept()
    kept.add(5_200 if vendor == "loki" else 230, 1_000.0)
    kept.add(3, 100.0, status=503)
    before = len(kept.lines)

    async def go() -> tuple[Tally, int]:
        async with keeping(vendor, kept) as source:
            reading = source.reading(LATELY)
            first = (await reading.advance()).lines
            kept.add(2, status=401)
            return await reading.advance(), first

    tally, first = asyncio.run(go())

    assert first == before
    assert (tally.lines, tally.server_errors, tally.refused) == (before + 2, 3, 2)
    assert tally.first_ms == kept.lines[0][0]
    assert len(kept.asked) >= 3


def test_where_loki_has_more_than_a_look_reads_the_next_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loki, "_LIMIT", 10)
    monkeypatch.setattr(loki, "_PAGES", 2)
    kept = Kept()
    kept.add(60, 60.0)

    async def go() -> list[int]:
        async with keeping("loki", kept) as source:
            reading = source.reading(LATELY)
            return [(await reading.advance()).lines for _ in range(5)]

    counts = asyncio.run(go())

    assert counts[0] < 30
    assert counts[-1] == 60


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (answer(401, "no"), AccessDenied),
        (answer(429, "slow down", {"retry-after": "30"}), RateLimited),
        (answer(500, "oops"), Malformed),
        (answer(200, '{"status":"success","data":{"resultType":"matrix","result":[]}}'), Malformed),
        (answer(200, '{"logs": [], "hasMore": "perhaps"}'), Malformed),
        (answer(200, ""), Malformed),
        (answer(200, "<html>"), Malformed),
    ],
    ids=["401", "429", "500", "matrix", "other", "empty", "html"],
)
def test_a_refusal_is_told_and_the_next_look_reads_on(
    vendor: str, refusal: bytes, error: type[ProbeError]
) -> None:
    kept = Kept()
    kept.add(4, 60.0)

    async def go() -> int:
        async with keeping(vendor, kept) as source:
            reading = source.reading(LATELY)
            before = (await reading.advance()).lines
            kept.refusal = refusal
            with pytest.raises(error) as told:
                await reading.advance()
            assert TOKEN not in told.value.summary + told.value.remedy
            kept.refusal = None
            kept.add(1)
            return (await reading.advance()).lines - before

    assert asyncio.run(go()) == 1


@pytest.mark.parametrize("told", ["soon", "", "-5", "1.5", "9" * 40, "\u0665"])
def test_a_time_of_lokis_that_is_none_is_told(told: str) -> None:
    stream = {"stream": {}, "values": [[told, "a line"]]}
    data = {"resultType": "streams", "result": [stream]}
    kept = Kept(refusal=answer(200, json.dumps({"status": "success", "data": data})))

    async def go() -> None:
        async with keeping("loki", kept) as source:
            await source.reading(LATELY).advance()

    with pytest.raises(Malformed, match="Loki tells no time"):
        asyncio.run(go())


def test_a_service_that_render_does_not_know_is_a_mistake_of_settings() -> None:
    kept = Kept(refusal=answer(404, "{}"))

    async def go() -> None:
        async with keeping("render", kept) as source:
            await source.reading(LATELY).advance()

    with pytest.raises(NotConfigured, match="knows no service"):
        asyncio.run(go())


def program(path: Path, text: str) -> str:
    path.write_text(text)
    return f"{sys.executable} {path}"


def test_a_command_that_ends_is_run_again_and_what_it_repeats_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_chefrelease.probes.logs.command._AGAIN_S", 0.0)
    (tmp_path / "log").write_text(pino(1) + pino(2, 500))
    line = program(tmp_path / "tail.py", "print(open('log').read(), end='')")

    async def go() -> list[int]:
        reading = CommandSource(line, tmp_path, {}).reading(Window(T0))
        first = (await reading.advance()).lines
        with (tmp_path / "log").open("a") as log:
            log.write(pino(3))
        return [first, (await reading.advance()).lines]

    assert asyncio.run(go()) == [2, 3]


def test_a_command_that_goes_on_is_followed_and_ended_with_the_run(tmp_path: Path) -> None:
    text = f"""
import os, time
print({pino(1)!r}, end="", flush=True)
open("pid", "w").write(str(os.getpid()))
time.sleep(0.5)
print({pino(2, 500)!r}, end="", flush=True)
time.sleep(60)
"""
    line = program(tmp_path / "follow.py", text)

    async def go() -> Tally:
        reading = CommandSource(line, tmp_path, {}).reading(Window(T0))
        tally = await reading.advance()
        for _ in range(20):
            if tally.lines == 2:
                break
            await asyncio.sleep(0.1)
            tally = await reading.advance()
        await reading.close()
        return tally

    tally = asyncio.run(go())

    assert (tally.lines, tally.server_errors) == (2, 1)
    pid = (tmp_path / "pid").read_text()
    assert not Path(f"/proc/{pid}").exists()


def test_a_command_gets_the_variables_that_settings_name_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "x")
    text = """
import os, sys
sys.exit(f"{os.environ.get('LOGS_KEY')} {'SECRET_OF_OURS' in os.environ}")
"""
    source = CommandSource(program(tmp_path / "env.py", text), tmp_path, {"LOGS_KEY": "given"})

    with pytest.raises(Unreachable, match="exit code 1: given False"):
        asyncio.run(source.reading(LATELY).advance())


@pytest.mark.parametrize(
    ("line", "error"),
    [("no-such-program --tail", MissingExtra), ("tail 'half", NotConfigured)],
)
def test_a_command_that_cannot_run_says_so(
    tmp_path: Path, line: str, error: type[ProbeError]
) -> None:
    with pytest.raises(error):
        asyncio.run(CommandSource(line, tmp_path, {}).reading(Window(T0)).advance())


@pytest.mark.parametrize(
    ("tables", "variables", "place"),
    [
        ({"logs": {"source": "file:logs/*.json"}}, {}, "/srv/logs/*.json"),
        ({"logs": {"source": "loki:http://loki.test"}}, {}, '{app="api"} at http://loki.test'),
        (
            {"logs": {"source": "render"}, "provider": {"name": "render", "app": "srv-1"}},
            {"RENDER_API_KEY": "k"},
            "Render service srv-1",
        ),
        (
            {"logs": {"source": "fly:cloud"}},
            {"FLY_API_TOKEN": "k"},
            "fly logs --no-tail --json --app cloud",
        ),
    ],
    ids=["file", "loki", "render", "fly"],
)
def test_the_source_is_the_one_that_settings_name(
    tables: dict[str, object], variables: dict[str, str], place: str
) -> None:
    http = HttpProbe(timeout_s=1, max_per_host=1, max_body_bytes=1)
    around = LogSurroundings(validate(tables), Path("/srv"), variables, http)

    assert choose_log_source(around).place == place
    if variables:
        with pytest.raises(NotConfigured, match="is not set"):
            choose_log_source(LogSurroundings(validate(tables), Path("/srv"), {}, http))


def test_many_that_look_ask_once_a_refusal_too() -> None:
    kept = Kept()
    kept.add(3, 60.0)

    async def go() -> int:
        async with keeping("loki", kept) as source:
            reading = PacedReading(source.reading(LATELY), every_s=60.0)
            await asyncio.gather(*(reading.advance() for _ in range(5)))
            kept.refusal = answer(500, "")
            return (await reading.advance()).lines

    began = time.perf_counter()
    assert asyncio.run(go()) == 3
    assert len(kept.asked) == 1
    assert time.perf_counter() - began < 5

    async def refused() -> int:
        async with keeping("loki", kept) as source:
            reading = PacedReading(source.reading(LATELY), every_s=60.0)
            for _ in range(3):
                with pytest.raises(Malformed):
                    await reading.advance()
            return len(kept.asked)

    kept.refusal = None
    kept.asked.clear()
    kept.lines.clear()
    kept.refusal = answer(500, "")
    asyncio.run(refused())


def test_renders_pages_are_the_most_that_its_document_allows() -> None:
    assert parameters()["limit"]["schema"]["maximum"] == render._LIMIT
