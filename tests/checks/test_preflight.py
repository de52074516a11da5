"""preflight.rule against a real server that keeps each rule, and breaks it in each way."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.preflight_rules import RULES, Ask, Exchange, Scope
from pytest_chefrelease.probes.http import Answer
from pytest_chefrelease.runbook.evidence import Table, Text
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.settings.model import PreflightTable, Settings
from tests.checks.verified import settings_for, verify
from tests.probes.loopback import Request, Site, answer, serving

WEB = "https://app.example"
Change = Callable[[Request, "Reply"], None]


@dataclass
class Reply:
    """What the server is about to answer; a test's change spoils it."""

    status: int
    body: str
    headers: dict[str, str | None] = field(default_factory=dict)


def right(request: Request) -> Reply:
    """What a hardened API answers."""
    path = request.path.partition("?")[0]
    reply = Reply(404, '{"statusCode":404,"message":"Cannot GET"}')
    if path == "/health":
        reply = Reply(200, '{"status":"ok"}')
    elif path == "/metrics":
        reply = Reply(200, "metrics disabled")
    elif path in ("/inventory/items", "/auth/me"):
        reply = Reply(401, '{"statusCode":401,"message":"Unauthorized"}')
    elif request.method == "POST":
        reply = Reply(400, '{"statusCode":400,"message":["email should not be empty"]}')
    if request.method == "OPTIONS":
        reply = Reply(204, "")
    reply.headers = {
        "content-type": "application/json",
        "x-request-id": str(uuid.uuid4()),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "vary": "Accept-Encoding, Origin",
    }
    if request.headers.get("origin") == WEB:
        reply.headers["access-control-allow-origin"] = WEB
    return reply


def preflight(
    rule: str,
    change: Change | None = None,
    web: str | None = WEB,
    table: dict[str, object] | None = None,
) -> tuple[Result, Site]:
    """The result of one rule for an API that is right but for ``change``."""

    async def go() -> tuple[Result, Site]:
        async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
            made = right(request)
            if change is not None:
                change(request, made)
            headers = {k: v for k, v in made.headers.items() if v is not None}
            writer.write(answer(made.status, made.body, headers))

        async with serving(reply) as site:
            settings = settings_for(site.url, preflight=table or {})
            if web is not None:
                production = settings.target.model_copy(update={"web": web})
                settings = settings.model_copy(update={"environments": {"production": production}})
            return await verify("preflight.rule", rule, settings), site

    return asyncio.run(go())


def at(path: str, *, status: int | None = None, body: str | None = None, **headers: str) -> Change:
    """A change at one path; header names with underscores."""

    def change(request: Request, reply: Reply) -> None:
        if request.path == path:
            reply.status = status or reply.status
            reply.body = reply.body if body is None else body
            reply.headers |= {name.replace("_", "-"): value for name, value in headers.items()}

    return change


def everywhere(**headers: str | None) -> Change:
    """Headers set, or removed by None, on every answer."""

    def change(_request: Request, reply: Reply) -> None:
        reply.headers |= {name.replace("_", "-"): value for name, value in headers.items()}

    return change


def origins(echo: Callable[[str], str | None], *, vary: str | None = "Origin") -> Change:
    """Another way to answer an origin."""

    def change(request: Request, reply: Reply) -> None:
        reply.headers["vary"] = vary
        reply.headers["access-control-allow-origin"] = echo(request.headers.get("origin", ""))

    return change


# --- which rules


def test_all_nine_rules_are_the_default() -> None:
    names = catalogue()["preflight.rule"].parameters_for(Settings(), Stage.POSTRELEASE)

    assert set(names) == set(RULES)
    assert len(names) == 9


def test_a_rule_can_be_taken_out() -> None:
    settings = settings_for(preflight={"rules": ["cors", "request-id"]})

    names = catalogue()["preflight.rule"].parameters_for(settings, Stage.POSTRELEASE)

    assert names == ("cors", "request-id")


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValidationError, match="auth-guard"):
        settings_for(preflight={"rules": ["auth-gard"]})


# --- each rule kept


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_hardened_api_keeps_the_rule(rule: str) -> None:
    result, site = preflight(rule)

    assert (result.outcome, result.summary.partition(" (")[0]) == (
        Outcome.PASSED,
        RULES[rule].promise,
    )
    assert site.requests
    assert {r.method for r in site.requests} <= {"GET", "OPTIONS", "POST"}
    assert {r.body for r in site.requests if r.method == "POST"} <= {b"{}"}


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("docs-hidden", at("/docs", status=403)),
        ("docs-hidden", at("/docs", status=302, location="/login")),
        ("metrics-hidden", at("/metrics", status=404, body="")),
        ("security-headers", everywhere(x_frame_options="SAMEORIGIN")),
        (
            "security-headers",
            everywhere(x_frame_options=None, content_security_policy="frame-ancestors 'none'"),
        ),
        ("server-banner-absent", everywhere(server="cloudflare")),
        ("server-banner-absent", everywhere(server="Fly/8b2f1d8a (2026-11-20)")),
        ("cors", origins(lambda _origin: WEB)),
        ("stack-traces-absent", at("/auth/me", body='{"message":"at 10:15 try again"}')),
    ],
)
def test_other_right_answers_pass_too(rule: str, change: Change) -> None:
    result, _ = preflight(rule, change)

    assert result.outcome is Outcome.PASSED, result.summary


# --- each rule broken


NODE_TRACE = (
    '{"statusCode":401,"stack":"Error: no token\\n    at Guard.canActivate '
    '(/app/dist/auth/guard.js:21:13)\\n    at node:internal/process/task_queues:95:5"}'
)


@pytest.mark.parametrize(
    ("rule", "change", "seen"),
    [
        ("auth-guard", at("/auth/me", status=200, body="{}"), "GET /auth/me: status 200"),
        ("auth-guard", at("/inventory/items", status=403), "GET /inventory/items: status 403"),
        ("auth-guard", at("/auth/me", status=404), "GET /auth/me: status 404"),
        (
            "auth-guard",
            at("/auth/me", body="<html>Restricted</html>", content_type="text/html"),
            "GET /auth/me: status 401 with an HTML page",
        ),
        ("docs-hidden", at("/docs", status=200, body="<html>Swagger UI"), "GET /docs: status 200"),
        ("docs-hidden", at("/docs", status=401), "GET /docs: status 401"),
        ("docs-hidden", at("/docs-json", status=200), "GET /docs-json: status 200"),
        ("dev-portal-absent", at("/dev/api-keys", status=401), "so the module is loaded"),
        ("dev-portal-absent", at("/dev/api-keys", status=200), "GET /dev/api-keys: status 200"),
        (
            "metrics-hidden",
            at("/metrics", body="# HELP up Up.\n# TYPE up gauge\nup 1\n"),
            "GET /metrics: metrics in Prometheus' format",
        ),
        ("metrics-hidden", at("/metrics", body='http{code="200"} 12\n'), "Prometheus' format"),
        ("metrics-hidden", at("/metrics", body="process_cpu_seconds_total 1.5\n"), "Prometheus"),
        ("metrics-hidden", at("/metrics", status=500), "status 500 does not tell"),
        ("cors", origins(lambda _: None), f"from {WEB}: Access-Control-Allow-Origin missing"),
        ("cors", origins(lambda _: "*"), "let in (Access-Control-Allow-Origin *)"),
        ("cors", origins(lambda origin: origin), "OPTIONS /health from https://foreign.invalid"),
        (
            "cors",
            origins(lambda origin: origin if origin.startswith(WEB) else None),
            f"from {WEB}.foreign.invalid: let in",
        ),
        ("cors", origins(lambda o: o if o in (WEB, "null") else None), "from null: let in"),
        ("cors", everywhere(vary=None), "Vary: Origin missing"),
        ("request-id", everywhere(x_request_id=None), "X-Request-Id missing"),
        ("request-id", everywhere(x_request_id="17"), "X-Request-Id 17"),
        ("request-id", everywhere(x_request_id="the-same-for-all"), "as for GET /health"),
        ("security-headers", everywhere(x_content_type_options=None), "nosniff missing"),
        ("security-headers", everywhere(x_frame_options=None), "X-Frame-Options or a CSP"),
        ("security-headers", everywhere(x_frame_options="ALLOWALL"), "X-Frame-Options or a CSP"),
        ("stack-traces-absent", at("/auth/me", body=NODE_TRACE), "a stack trace in the body"),
        (
            "stack-traces-absent",
            at("/auth/login", body="Error: x\n    at login (/app/dist/auth.js:7:3)\n"),
            "POST /auth/login: a stack trace",
        ),
        (
            "stack-traces-absent",
            at("/auth/me", body='Traceback (most recent call last):\n  File "x.py"'),
            "a stack trace",
        ),
        (
            "stack-traces-absent",
            at("/auth/me", body='{"message":"Invalid `prisma.user.findFirst()` invocation"}'),
            "a stack trace",
        ),
        ("server-banner-absent", everywhere(x_powered_by="Express"), "x-powered-by: Express"),
        ("server-banner-absent", everywhere(server="nginx/1.27.0"), "server: nginx/1.27.0"),
    ],
)
def test_a_broken_rule_fails_and_names_the_request(rule: str, change: Change, seen: str) -> None:
    result, _ = preflight(rule, change)

    assert result.outcome is Outcome.FAILED, result.summary
    assert seen in result.seen
    assert result.expected == RULES[rule].promise
    assert result.remedy == RULES[rule].remedy


def test_docs_behind_a_redirect_to_themselves_are_not_hidden() -> None:
    def change(request: Request, reply: Reply) -> None:
        if request.path == "/docs":
            reply.status, reply.headers["location"] = 301, "/docs/"
        if request.path == "/docs/":
            reply.status, reply.body = 200, "<html>Swagger UI</html>"

    result, _ = preflight("docs-hidden", change)

    assert (result.outcome, result.seen) == (Outcome.FAILED, "GET /docs: status 200")


def test_a_failure_shows_what_was_asked_and_answered() -> None:
    result, _ = preflight("auth-guard", at("/auth/me", status=200, body='{"id":7}'))

    assert result.evidence is not None
    table, text = result.evidence.attachments
    assert isinstance(table, Table)
    assert isinstance(text, Text)
    assert ("GET /auth/me", "200", "application/json", '{"id":7}') in table.rows
    assert "/auth/me" in text.content
    assert '{"id":7}' in text.content


@pytest.mark.parametrize(
    ("hsts", "problem"),
    [
        ("max-age=31536000; includeSubDomains", []),
        (None, ["GET /health: Strict-Transport-Security missing"]),
        ("max-age=0", ["GET /health: Strict-Transport-Security missing"]),
    ],
)
def test_https_demands_hsts(hsts: str | None, problem: list[str]) -> None:
    headers = {"x-content-type-options": "nosniff", "x-frame-options": "DENY"}
    if hsts is not None:
        headers["strict-transport-security"] = hsts
    got = Answer("https://api.example/health", 200, headers, b"", 1.0, "HTTP/2", datetime.now(UTC))

    seen = [Exchange(Ask("/health"), got)]

    assert list(RULES["security-headers"].problems(seen, Scope(PreflightTable(), WEB))) == problem


# --- not enough evidence


ABSENT = sorted(name for name, rule in RULES.items() if rule.needs_presence)


@pytest.mark.parametrize("rule", ABSENT)
@pytest.mark.parametrize(
    "elsewhere",
    [
        at("/inventory/items", status=404),
        at("/inventory/items", status=502),
        at("/inventory/items", status=200, body="<html>Welcome", content_type="text/html"),
    ],
)
def test_absence_on_a_host_without_the_api_proves_nothing(rule: str, elsewhere: Change) -> None:
    result, _ = preflight(rule, elsewhere)

    assert result.outcome is Outcome.UNVERIFIED
    assert "the API itself does not seem to be there" in result.seen


@pytest.mark.parametrize("rule", sorted(RULES))
def test_maintenance_says_so_for_every_rule(rule: str) -> None:
    def change(_request: Request, reply: Reply) -> None:
        reply.status, reply.headers["retry-after"] = 503, "120"

    result, _ = preflight(rule, change)

    assert (result.outcome, result.seen.partition(":")[0]) == (
        Outcome.UNVERIFIED,
        "maintenance is on",
    )


def test_cors_without_a_known_origin_is_unverified() -> None:
    result, site = preflight("cors", web=None)

    assert (result.outcome, site.requests) == (Outcome.UNVERIFIED, [])
    assert "preflight.allowed_origin" in result.remedy


def test_a_rule_without_paths_is_unverified() -> None:
    result, _ = preflight("docs-hidden", table={"docs_paths": []})

    assert result.outcome is Outcome.UNVERIFIED


# --- settings


def test_paths_and_names_can_be_changed() -> None:
    other: dict[str, object] = {"protected_paths": ["/me"], "request_id_header": "X-Correlation-Id"}
    asked, site = preflight("auth-guard", at("/me", status=401), table=other)
    named, _ = preflight("request-id", everywhere(x_correlation_id=None), table=other)

    assert (asked.outcome, {r.path for r in site.requests}) == (Outcome.PASSED, {"/me"})
    assert "X-Correlation-Id missing" in named.seen


def test_one_rule_can_be_declared_not_applicable_by_its_label() -> None:
    reason = {"preflight.rule[docs-hidden]": "the documentation is public"}
    settings = settings_for("http://127.0.0.1:9", not_applicable=reason)

    result = asyncio.run(verify("preflight.rule", "docs-hidden", settings))

    assert (result.outcome, result.summary) == (
        Outcome.NOT_APPLICABLE,
        "Not applicable: the documentation is public",
    )
