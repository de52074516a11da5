"""The staging items against real servers, with production being somewhere else."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys
from pathlib import Path

import pytest

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.staging.target import at_staging
from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.runbook.evidence import Text
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import Settings
from tests.checks.verified import RELEASE, context_for, settings_for, verify
from tests.probes.loopback import Request, Site, answer, serving

JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html"}
HEALTH = {"status": "ok", "version": "1.5.0", "commit": RELEASE.commit}
Paths = dict[str, bytes]


def stage(
    item: str,
    parameter: str | None,
    paths: Paths,
    *,
    release: Release = RELEASE,
    repository: Path | None = None,
    environment: dict[str, str] | None = None,
    said: list[str] | None = None,
    **tables: object,
) -> tuple[Result, Site]:
    """The result of a staging item where one server is staging's API and web front."""

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(paths.get(request.path, answer(404, "{}", JSON)))

    async def go() -> tuple[Result, Site]:
        async with serving(reply) as site:
            environments = {
                "production": {"api": "http://127.0.0.1:9", "web": "http://127.0.0.1:9"},
                "staging": {"api": site.url, "web": site.url},
            }
            settings = settings_for(environments=environments, **tables)
            result = await verify(
                item,
                parameter,
                settings,
                stage=Stage.PRERELEASE,
                release=release,
                repository=repository,
                environment=environment,
                said=said,
            )
            return result, site

    return asyncio.run(go())


def health(**fields: object) -> Paths:
    return {"/health": answer(200, json.dumps(HEALTH | fields), JSON)}


# --- where


def test_staging_is_the_target_and_its_own_account_and_origin_are_used() -> None:
    settings = settings_for(
        environments={
            "production": {"api": "https://api.example"},
            "staging": {"api": "https://api.staging.example", "web": "https://staging.example"},
        },
        preflight={"allowed_origin": "https://example"},
    )

    there = at_staging(context_for(settings), "web")

    assert (there.api, there.web) == ("https://api.staging.example", "https://staging.example")
    assert there.settings.login.user_env == "CHEFRELEASE_STAGING_LOGIN_USER"
    assert there.settings.preflight.allowed_origin == "https://staging.example"


@pytest.mark.parametrize("kind", ["api", "web"])
def test_without_an_address_the_setting_is_named(kind: str) -> None:
    with pytest.raises(NotConfigured) as caught:
        at_staging(context_for(settings_for("https://api.example")), kind)

    assert f"environments.staging.{kind}" in caught.value.remedy


@pytest.mark.parametrize(
    "item", ["staging.same-code", "staging.smoke", "staging.preflight", "staging.route"]
)
def test_without_staging_nothing_passes(item: str) -> None:
    parameter = catalogue()[item].parameters_for(Settings(), Stage.PRERELEASE)[0]

    result = asyncio.run(
        verify(item, parameter, settings_for("http://127.0.0.1:9"), stage=Stage.PRERELEASE)
    )

    assert result.outcome is Outcome.UNVERIFIED


# --- same code, API


def test_the_releases_own_version_and_commit_pass() -> None:
    result, _ = stage("staging.same-code", "api", health())

    assert result.outcome is Outcome.PASSED
    assert result.summary == (f"runs 1.5.0 (health version), {RELEASE.commit} (health commit)")


@pytest.mark.parametrize(
    ("fields", "outcome", "seen"),
    [
        ({"version": "1.4.2", "commit": "badcafe"}, Outcome.FAILED, "staging runs 1.4.2"),
        ({"commit": "badcafe"}, Outcome.FAILED, "staging runs 1.5.0 (health version), badcafe"),
        ({"version": "1.4.2"}, Outcome.UNVERIFIED, "staging contradicts itself: 1.4.2"),
        ({"version": None, "commit": None}, Outcome.UNVERIFIED, "it does not say which version"),
    ],
)
def test_other_code_fails_and_what_cannot_be_told_is_unverified(
    fields: dict[str, object], outcome: Outcome, seen: str
) -> None:
    result, _ = stage("staging.same-code", "api", health(**fields))

    assert result.outcome is outcome
    assert result.seen.startswith(seen)
    assert "v1.5.0 at c0ffee500000" in result.expected or "version" in result.expected


def test_a_release_without_version_and_commit_cannot_be_compared() -> None:
    result, _ = stage(
        "staging.same-code", "api", health(), release=Release(None, None, "production")
    )

    assert result.outcome is Outcome.UNVERIFIED
    assert result.seen.startswith("the release's version and commit are unknown")


def test_a_page_instead_of_health_says_nothing() -> None:
    result, _ = stage("staging.same-code", "api", {"/health": answer(200, "<html>", HTML)})

    assert result.outcome is Outcome.UNVERIFIED


def test_maintenance_on_staging_says_so() -> None:
    down = {"/health": answer(503, "{}", {**JSON, "retry-after": "60"})}

    result, _ = stage("staging.same-code", "api", down)

    assert (result.outcome, result.seen.partition(":")[0]) == (
        Outcome.UNVERIFIED,
        "maintenance is on",
    )


# --- same code, web

DOCUMENT = '<!doctype html><script src="/app.js"></script>'


def page(script: str = "", document: str = DOCUMENT) -> Paths:
    return {
        "/": answer(200, document, HTML),
        "/app.js": answer(200, script, {"content-type": "text/javascript"}),
    }


@pytest.mark.parametrize(
    "paths",
    [
        page("const APP_VERSION='v1.5.0'"),
        page(f"x='{RELEASE.commit}'"),
        page(document='<meta name="version" content="1.5.0">'),
        page(document='<link href="/_next/static/1.5.0-c0ffee5/app.css">'),
    ],
)
def test_a_web_front_that_names_the_release_passes(paths: Paths) -> None:
    result, _ = stage("staging.same-code", "web", paths)

    assert result.outcome is Outcome.PASSED, result.summary


def test_a_web_front_of_another_version_fails() -> None:
    result, _ = stage("staging.same-code", "web", page("const APP_VERSION='v1.4.2'"))

    assert (result.outcome, result.seen) == (
        Outcome.FAILED,
        "staging runs v1.4.2 (app.js)",
    )


def test_a_web_front_that_does_not_tell_is_unverified_with_the_setting() -> None:
    result, _ = stage("staging.same-code", "web", page("const x = 1"))

    assert result.outcome is Outcome.UNVERIFIED
    assert "staging.web_version_path" in result.remedy


@pytest.mark.parametrize(
    ("body", "table", "outcome"),
    [
        ('{"version":"1.5.0"}', {}, Outcome.PASSED),
        ('{"version":"1.4.2"}', {}, Outcome.FAILED),
        ("build 1.5.0 of today", {"web_version": r"build (\S+)"}, Outcome.PASSED),
        ("build 1.4.2 of today", {"web_version": r"build (\S+)"}, Outcome.FAILED),
        ("c0ffee5", {"web_version": "[0-9a-f]{7}"}, Outcome.PASSED),
        ("nothing", {"web_version": r"build (\S+)"}, Outcome.UNVERIFIED),
    ],
)
def test_a_configured_place_tells(body: str, table: dict[str, str], outcome: Outcome) -> None:
    kind = JSON if body.startswith("{") else {"content-type": "text/plain"}
    paths = {"/version": answer(200, body, kind)}

    result, _ = stage(
        "staging.same-code", "web", paths, staging={"web_version_path": "/version", **table}
    )

    assert result.outcome is outcome, result.summary


# --- the same checks as in production


def test_an_endpoint_is_asked_on_staging() -> None:
    right, site = stage("staging.smoke", "GET /health", health())
    wrong, _ = stage("staging.smoke", "GET /pos/orders", health())

    assert (right.outcome, wrong.outcome) == (Outcome.PASSED, Outcome.FAILED)
    assert [r.path for r in site.requests] == ["/health"]
    assert "not deployed" in wrong.remedy


def test_a_rule_is_asked_on_staging_with_its_own_origin() -> None:
    right, _ = stage("staging.preflight", "auth-guard", guarded(401))
    wrong, _ = stage("staging.preflight", "auth-guard", guarded(200))
    _, cors = stage("staging.preflight", "cors", health())

    assert (right.outcome, wrong.outcome) == (Outcome.PASSED, Outcome.FAILED)
    assert cors.requests[0].headers["origin"] == cors.url


def guarded(status: int) -> Paths:
    return dict.fromkeys(("/inventory/items", "/auth/me"), answer(status, "{}", JSON))


def test_a_route_is_read_on_staging_by_http_alone_where_settings_say_so() -> None:
    right, _ = stage("staging.route", "/", page(), routes={"browser": False})
    wrong, _ = stage("staging.route", "/login", page(), routes={"browser": False})

    assert (right.outcome, wrong.outcome) == (Outcome.PASSED, Outcome.FAILED)


# --- the user's own scripts

SCRIPT = """
import os, urllib.request
base = os.environ["API_BASE_URL"]
print("asking", base, "with", os.environ.get("JWT_SECRET"))
urllib.request.urlopen(base + "/health")
"""


def command(text: str, tmp_path: Path, **more: object) -> tuple[Result, Site]:
    (tmp_path / "smoke.py").write_text(text)
    line = f"{shlex.quote(sys.executable)} smoke.py"
    return stage(
        "staging.command",
        "smoke",
        health(),
        repository=tmp_path,
        environment={**os.environ, "JWT_SECRET": "hidden"},
        staging={"commands": {"smoke": {"run": line, **more}}},
    )


def test_a_script_gets_stagings_address_and_no_secret(tmp_path: Path) -> None:
    result, site = command(SCRIPT, tmp_path)

    assert result.outcome is Outcome.PASSED, result.summary
    assert [r.path for r in site.requests] == ["/health"]
    assert result.evidence is not None
    (output,) = result.evidence.attachments
    assert isinstance(output, Text)
    assert output.content == f"asking {site.url} with None\n"


def test_a_script_that_fails_is_shown_with_its_last_line(tmp_path: Path) -> None:
    result, _ = command("print('FAILED 500 GET /pos/orders'); raise SystemExit(1)", tmp_path)

    assert (result.outcome, result.seen) == (
        Outcome.FAILED,
        "exit code 1: FAILED 500 GET /pos/orders",
    )


def test_a_script_that_does_not_end_fails_in_its_time(tmp_path: Path) -> None:
    result, _ = command("import time; time.sleep(60)", tmp_path, timeout="1s")

    assert (result.outcome, result.seen) == (
        Outcome.FAILED,
        "not finished in 1 s: no output",
    )


def test_a_program_that_is_missing_is_unverified() -> None:
    result, _ = stage(
        "staging.command", "smoke", {}, staging={"commands": {"smoke": "no-such-node x.mjs"}}
    )

    assert result.outcome is Outcome.UNVERIFIED
    assert "Install no-such-node" in result.remedy


def test_without_scripts_the_item_is_not_applicable() -> None:
    result, _ = stage("staging.command", None, {})

    assert result.outcome is Outcome.NOT_APPLICABLE
