from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import httpx
import pytest

from pytest_chefrelease.rehearsal.chefcloud import tokens
from pytest_chefrelease.rehearsal.intercept import Intercept
from pytest_chefrelease.rehearsal.stack import Stack

GUARDED = (
    "/pos/menu/categories",
    "/pos/orders",
    "/inventory/items",
    "/inventory/categories",
    "/workforce/employees",
    "/workforce/payroll-runs",
    "/finance/journal-entries",
    "/auth/me",
    "/dashboard/summary",
)


@pytest.fixture
def api(stack: Stack, http: httpx.Client) -> httpx.Client:
    http.base_url = httpx.URL(stack.api_url)
    return http


@pytest.fixture
def signed_in(stack: Stack, api: httpx.Client) -> httpx.Client:
    answer = api.post("/auth/login", json=_account(stack))
    assert answer.status_code == 201
    api.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return api


def _account(stack: Stack) -> dict[str, str]:
    return {
        "email": stack.environment["CHEFRELEASE_LOGIN_USER"],
        "password": stack.environment["CHEFRELEASE_LOGIN_PASSWORD"],
    }


def test_health_says_what_the_runbook_looks_for(api: httpx.Client) -> None:
    body = api.get("/health").json()

    assert body["status"] == "ok"
    assert body["services"] == {"database": "up", "redis": "disabled"}
    age = datetime.now(UTC) - datetime.fromisoformat(body["timestamp"])
    assert abs(age.total_seconds()) < 5
    assert body["uptime"] > 0


def test_health_is_degraded_when_the_database_is_gone(stack: Stack, api: httpx.Client) -> None:
    stack.production.cluster.drop_database("production")
    stack.production.is_touched = True

    assert api.get("/health").json()["services"]["database"] == "down"
    assert api.get("/health").json()["status"] == "degraded"
    assert api.get("/readiness").status_code == 503


def test_sessions_that_the_database_ended_are_replaced(stack: Stack, api: httpx.Client) -> None:
    assert api.get("/health").json()["status"] == "ok"
    with stack.production.cluster.admin() as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'production'"
        )

    assert api.get("/health").json()["status"] == "ok"


@pytest.mark.parametrize("path", GUARDED)
def test_a_guarded_path_is_401_without_a_token_and_200_with_one(
    signed_in: httpx.Client, path: str
) -> None:
    assert signed_in.get(path).status_code == 200
    assert signed_in.get(path, headers={"Authorization": ""}).status_code == 401


@pytest.mark.parametrize("path", [path for path in GUARDED if path.count("/") == 2])
def test_data_comes_from_the_database(signed_in: httpx.Client, path: str) -> None:
    body = signed_in.get(path).json()

    if path.startswith("/auth"):
        assert body["email"] == "smoke@chefcloud.example"
    elif path.startswith("/dashboard"):
        assert body["revenue_cents"] > 0
        assert body["to_reorder"] == 2
    else:
        assert body["total"] == len(body["items"]) > 0


def test_the_dashboard_changes_with_the_database(stack: Stack, signed_in: httpx.Client) -> None:
    stack.production.execute("UPDATE inventory_items SET on_hand = 0")

    assert signed_in.get("/dashboard/summary").json()["to_reorder"] == 6


@pytest.mark.parametrize("path", ["/auth/login", "/auth/msr-swipe"])
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"not json", b'{"email": 1, "swipe": 2}'])
def test_a_login_without_credentials_is_400(api: httpx.Client, path: str, body: bytes) -> None:
    assert api.post(path, content=body).status_code == 400


def test_wrong_credentials_are_401(stack: Stack, api: httpx.Client) -> None:
    wrong = _account(stack) | {"password": "wrong"}
    unknown = _account(stack) | {"email": "nobody@chefcloud.example"}

    assert api.post("/auth/login", json=wrong).status_code == 401
    assert api.post("/auth/login", json=unknown).status_code == 401
    assert api.post("/auth/msr-swipe", json={"swipe": "0" * 24}).status_code == 401


def test_a_staff_member_without_a_password_cannot_log_in(api: httpx.Client) -> None:
    for password in ("!", "x"):
        body = {"email": "rosa@chefcloud.example", "password": password}
        assert api.post("/auth/login", json=body).status_code == 401


def test_a_badge_gives_a_token(stack: Stack, api: httpx.Client) -> None:
    answer = api.post("/auth/msr-swipe", json={"swipe": stack.badge})

    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert api.get("/auth/me", headers=headers).status_code == 200


def test_forged_expired_and_broken_tokens_are_refused(stack: Stack, api: httpx.Client) -> None:
    secret = stack.environment["JWT_SECRET"]
    long_ago = time.time() - tokens.LIFETIME_S - 1
    refused = {
        "forged": tokens.issue(1, "a@b.example", "x" * 40),
        "expired": tokens.issue(1, "a@b.example", secret, now_s=long_ago),
        "unsigned": tokens.issue(1, "a@b.example", secret).rpartition(".")[0] + ".",
        "unknown user": tokens.issue(4711, "a@b.example", secret),
        "garbage": "garbage",
    }

    for kind, token in refused.items():
        answer = api.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, kind
    good = tokens.issue(1, "a@b.example", secret)
    assert api.get("/auth/me", headers={"Authorization": f"Bearer {good}"}).status_code == 200


def test_what_is_off_in_production_does_not_show(api: httpx.Client) -> None:
    assert api.get("/docs").status_code == 404
    assert api.get("/dev/portal").status_code == 404
    assert api.get("/metrics").text == "metrics disabled"


def test_every_answer_has_its_own_request_id_and_security_headers(api: httpx.Client) -> None:
    answers = [api.get(path) for path in ("/health", "/docs", "/auth/me")]

    ids = {answer.headers["X-Request-Id"] for answer in answers}
    assert len(ids) == len(answers)
    for answer in answers:
        assert len(answer.headers["X-Request-Id"]) >= 10
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "Server" not in answer.headers


def test_only_the_web_fronts_origin_is_allowed(stack: Stack, api: httpx.Client) -> None:
    def preflight(origin: str) -> httpx.Response:
        asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        return api.options("/inventory/items", headers=asked)

    allowed, foreign = preflight(stack.web_url), preflight("https://evil.example")

    assert allowed.headers["Access-Control-Allow-Origin"] == stack.web_url
    assert "GET" in allowed.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Origin" not in foreign.headers
    assert allowed.headers["Vary"] == foreign.headers["Vary"] == "Origin"


def test_the_log_has_a_pino_line_for_each_request_but_healthy_health(
    stack: Stack, api: httpx.Client
) -> None:
    log = stack.logs / "production-api.json"
    before = len(log.read_text().splitlines())
    stack.intercept(Intercept("production-api", "/pos/orders", status=500))

    api.get("/health")
    api.get("/auth/me")
    api.get("/pos/orders")

    logged = (json.loads(line) for line in log.read_text().splitlines()[before:])
    lines = [line for line in logged if "httpx" in str(line.get("req"))]  # visitors come too
    assert [(line["req"]["url"], line["res"]["statusCode"], line["level"]) for line in lines] == [
        ("/auth/me", 401, 40),
        ("/pos/orders", 500, 50),
    ]
    assert all(abs(line["time"] / 1000 - time.time()) < 30 for line in lines)
    assert all(isinstance(line["responseTime"], int) and line["msg"] for line in lines)


def test_an_error_of_the_application_is_500_without_its_text_and_logged(
    stack: Stack, signed_in: httpx.Client
) -> None:
    stack.production.execute("DROP TABLE journal_entries")

    answer = signed_in.get("/finance/journal-entries")

    assert answer.status_code == 500
    assert "journal_entries" not in answer.text
    log = (stack.logs / "production-api.json").read_text()
    (last,) = (json.loads(line) for line in log.splitlines() if '"err":' in line)
    assert 'relation "journal_entries" does not exist' in last["err"]["message"]
