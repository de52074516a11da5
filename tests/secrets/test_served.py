"""secrets.not-served: against a real server whose pages, scripts and errors a test writes."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.engine import Task, run
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import Settings
from tests.probes.loopback import Request, answer, serving
from tests.secrets.world import JWT, VALUES, WEBHOOK, assert_holds_no_value, without

ITEM = "secrets.not-served"
PAGE = (
    "<!doctype html><html><head><link rel=stylesheet href=/s.css>"
    "<script src=/_next/static/app.js></script></head><body>ChefCloud</body></html>"
)
SITE = {
    "/": PAGE,
    "/s.css": "body{}",
    "/_next/static/app.js": 'load("static/chunks/7.js");\n//# sourceMappingURL=app.js.map',
    "/_next/static/app.js.map": "{}",
    "/_next/static/chunks/7.js": "export{}",
    "/health": '{"status":"ok"}',
}


@dataclass
class Served:
    """What the site answers, by path; ``headers`` go with every answer."""

    files: Mapping[str, str | bytes]
    headers: dict[str, str] = field(default_factory=dict)
    missing: str = '{"statusCode":404}'
    refused: str = '{"statusCode":401}'

    async def reply(self, request: Request, writer: asyncio.StreamWriter) -> None:
        path = request.path.partition("?")[0]
        if request.method == "POST" or "authorization" in request.headers:
            writer.write(answer(401, self.refused, self.headers))
        elif path in self.files:
            writer.write(answer(200, self.files[path], self.headers))
        else:
            writer.write(answer(404, self.missing, self.headers))


def look(
    served: Served,
    target: str = "web",
    *,
    stage: Stage = Stage.POSTRELEASE,
    variables: Mapping[str, str] = VALUES,
    **tables: object,
) -> tuple[Result, list[str]]:
    async def go() -> tuple[Result, list[str]]:
        async with serving(served.reply) as site:
            result = await look_at(site.url, target, stage, variables, tables)
            return result, [f"{each.method} {each.path}" for each in site.requests]

    return asyncio.run(go())


async def look_at(
    url: str,
    target: str,
    stage: Stage,
    variables: Mapping[str, str],
    tables: Mapping[str, object],
) -> Result:
    name = "staging" if stage is Stage.PRERELEASE else "production"
    settings = Settings.model_validate(
        {
            "environments": {name: {"api": url, "web": url}},
            "secrets": {"source": "env"},
            "routes": {"paths": ["/"]},
            **tables,
        }
    )
    probes = Probes(settings, Path("/"))
    context = Context(
        settings=settings,
        release=Release("v1.5.0", None, "production"),
        stage=stage,
        repository=probes.repository,
        probes=probes,
        once=Once(),
        environment=variables,
    )
    try:
        result = await run(Task(catalogue()[ITEM], target, timeout_s=30), context)
    finally:
        await probes.close()
    assert_holds_no_value(result, variables)
    return result


def test_a_clean_front_passes_with_all_its_files_seen() -> None:
    result, requests = look(Served(SITE))

    assert result.outcome is Outcome.PASSED
    for path in SITE.keys() - {"/health"}:
        assert f"GET {path}" in requests
    assert "GET /.env" in requests


def test_a_clean_api_passes_with_its_errors_seen() -> None:
    result, requests = look(Served(SITE), "api")

    assert result.outcome is Outcome.PASSED
    for asked in ("GET /health", "GET /metrics", "GET /docs-json", "POST /auth/login"):
        assert asked in requests


@pytest.mark.parametrize(
    ("path", "content", "where"),
    [
        ("/", PAGE.replace("ChefCloud", f"<script>x='{JWT}'</script>"), ", line 1"),
        ("/s.css", f"\n\n/* {JWT} */", "/s.css, line 3"),
        ("/_next/static/app.js", f"a\nconst k='{JWT}'", "/app.js, line 2"),
        ("/_next/static/app.js.map", json.dumps({"sourcesContent": [JWT]}), "/app.js.map, line 1"),
        ("/_next/static/chunks/7.js", base64.b64encode(f"k={JWT}".encode()), "/chunks/7.js"),
        ("/.env", f"A=1\nJWT_SECRET={JWT}\n", "/.env, line 2"),
        (
            "/_next/static/app.js",
            "//# sourceMappingURL=data:application/json;base64,"
            + base64.b64encode(json.dumps({"s": f'"{JWT}"'}).encode()).decode(),
            "/app.js",
        ),
    ],
)
def test_a_value_in_anything_that_the_front_serves_fails(
    path: str, content: str | bytes, where: str
) -> None:
    result, _ = look(Served(SITE | {path: content}))

    assert result.outcome is Outcome.FAILED
    assert "JWT_SECRET is served" in result.summary
    assert where in result.summary


@pytest.mark.parametrize("path", ["/health", "/metrics", "/docs-json"])
def test_a_value_in_an_open_answer_of_the_api_fails(path: str) -> None:
    result, _ = look(Served(SITE | {path: json.dumps({"hook": WEBHOOK})}), "api")

    assert result.outcome is Outcome.FAILED
    assert "WH_SECRET is served as it is by" in result.summary


def test_a_value_in_an_error_body_fails() -> None:
    stack = f"Error: connect {VALUES['DATABASE_URL']}"

    assert look(Served(SITE, missing=stack), "api")[0].outcome is Outcome.FAILED
    assert look(Served(SITE, refused=stack), "api")[0].outcome is Outcome.FAILED


def test_a_value_in_a_header_fails() -> None:
    result, _ = look(Served(SITE, headers={"x-debug": JWT}), "api")

    assert result.outcome is Outcome.FAILED
    assert "in a header" in result.summary


def test_staging_is_looked_at_before_the_release_for_the_values_of_both() -> None:
    values = without(STAGING_JWT_SECRET="q7Xw2Lr9Tz4Bn8Vkq7Xw2Lr9Tz4Bn8Vj")
    served = Served(SITE | {"/health": f'{{"k":"{values["STAGING_JWT_SECRET"]}"}}'})

    result, _ = look(served, "api", stage=Stage.PRERELEASE, variables=values)

    assert result.outcome is Outcome.FAILED
    assert "staging's JWT_SECRET is served" in result.summary


def test_a_dsn_may_be_served() -> None:
    result, _ = look(Served(SITE | {"/s.css": VALUES["SENTRY_DSN"]}))

    assert result.outcome is Outcome.PASSED


def test_a_script_that_is_longer_than_is_read_is_no_evidence() -> None:
    served = Served(SITE | {"/s.css": "a" * 20_000})

    result, _ = look(served, http={"max_body_bytes": 10_000})

    assert result.outcome is Outcome.UNVERIFIED
    assert "/s.css is longer than is read" in result.summary


def test_a_site_without_end_is_left_after_a_bounded_number_of_requests() -> None:
    names = ",".join(f'"./{number}.js"' for number in range(290))

    result, requests = look(Served(SITE | {"/_next/static/app.js": names}))

    assert result.outcome is Outcome.UNVERIFIED
    assert len(requests) <= 200


def test_scripts_of_other_hosts_are_not_asked_for() -> None:
    page = PAGE.replace("/s.css", "http://127.0.0.2:9/s.css")

    result, requests = look(Served(SITE | {"/": page}))

    assert result.outcome is Outcome.PASSED
    assert "GET /s.css" not in requests


def test_without_a_known_value_nothing_can_be_looked_for() -> None:
    result, _ = look(Served(SITE), variables={"HOME": "/nowhere"})

    assert result.outcome is Outcome.UNVERIFIED


@pytest.mark.parametrize("target", ["web", "api"])
def test_a_site_that_is_down_is_no_evidence(target: str) -> None:
    nobody = "http://127.0.0.1:9"

    result = asyncio.run(look_at(nobody, target, Stage.POSTRELEASE, VALUES, {}))

    assert result.outcome is Outcome.UNVERIFIED
    assert "refused the connection" in result.summary


def test_each_environment_that_has_an_address_is_looked_at() -> None:
    settings = Settings.model_validate(
        {"environments": {"production": {"web": "http://a"}, "staging": {"api": "http://b"}}}
    )
    parameters = catalogue()[ITEM].parameters_for

    assert parameters(settings, Stage.POSTRELEASE) == ("web",)
    assert parameters(settings, Stage.PRERELEASE) == ("api",)
