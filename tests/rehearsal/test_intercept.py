from __future__ import annotations

import time

import httpx
import pytest

from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.rehearsal.intercept import Intercept, Interceptor, Json, merged
from pytest_chefrelease.rehearsal.stack import Stack


def test_a_made_up_answer_replaces_the_true_one_and_still_has_the_sites_headers(
    stack: Stack, http: httpx.Client
) -> None:
    stack.intercept(Intercept("production-api", "/health", status=418, body="tea"))

    answer = http.get(f"{stack.api_url}/health")

    assert (answer.status_code, answer.text) == (418, "tea")
    assert answer.headers["X-Request-Id"]
    assert http.get(f"{stack.staging_api_url}/health").status_code == 200


def test_a_part_of_the_true_answer_can_differ(stack: Stack, http: httpx.Client) -> None:
    rule = Intercept("production-api", "/health", merge={"services": {"redis": "down"}})
    stack.intercept(rule)

    body = http.get(f"{stack.api_url}/health").json()

    assert body["services"] == {"database": "up", "redis": "down"}
    assert body["status"] == "ok"


def test_text_can_be_replaced(stack: Stack, http: httpx.Client) -> None:
    stack.intercept(Intercept("production-web", "/", replace=("<title>ChefCloud", "<title>Other")))

    assert "<title>Other</title>" in http.get(stack.web_url).text


def test_headers_can_be_set_and_removed(stack: Stack, http: httpx.Client) -> None:
    stack.intercept(
        Intercept("production-api", "/health", headers={"X-Request-Id": None, "X-New": "yes"})
    )

    answer = http.get(f"{stack.api_url}/health")

    assert "X-Request-Id" not in answer.headers
    assert answer.headers["X-New"] == "yes"


def test_a_delay_comes_before_the_answer(stack: Stack, http: httpx.Client) -> None:
    stack.intercept(Intercept("production-api", "/healthz", delay_s=0.3))

    begun = time.monotonic()
    http.get(f"{stack.api_url}/healthz")

    assert time.monotonic() - begun >= 0.3


def test_a_dropped_connection_has_no_answer(stack: Stack, http: httpx.Client) -> None:
    stack.intercept(Intercept("production-api", "/healthz", drop=True))

    with pytest.raises(httpx.RemoteProtocolError):
        http.get(f"{stack.api_url}/healthz")


def test_a_site_that_refuses_can_come_back_on_its_port(stack: Stack, http: httpx.Client) -> None:
    stack.refuse("production-api")
    with pytest.raises(httpx.ConnectError):
        http.get(f"{stack.api_url}/healthz")

    stack.reset()

    assert http.get(f"{stack.api_url}/healthz").status_code == 200


def test_an_open_connection_is_cut_when_a_site_refuses(stack: Stack, http: httpx.Client) -> None:
    assert http.get(f"{stack.api_url}/healthz").status_code == 200

    stack.refuse("production-api")

    with pytest.raises(httpx.TransportError):
        http.get(f"{stack.api_url}/healthz")


def test_every_nth_and_the_first_n_requests_can_be_picked() -> None:
    rules = Interceptor("site")
    rules.add(Intercept("site", "/third", every=3))
    rules.add(Intercept("site", "/first", times=1))

    third = [rules.rule_for("GET", "/third") is not None for _ in range(6)]
    first = [rules.rule_for("GET", "/first") is not None for _ in range(3)]

    assert third == [False, False, True, False, False, True]
    assert first == [True, False, False]


def test_method_and_path_are_patterns() -> None:
    rules = Interceptor("site")
    rules.add(Intercept("site", "/_next/*/pages/orders.js", method="GET"))

    assert rules.rule_for("GET", "/_next/static/1.5.0-abc/pages/orders.js")
    assert not rules.rule_for("POST", "/_next/static/1.5.0-abc/pages/orders.js")
    assert not rules.rule_for("GET", "/orders")


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
        ("text", {"a": 1}, {"a": 1}),
        ({"a": 1}, "text", "text"),
    ],
)
def test_merge_patch_follows_its_rfc(target: Json, patch: Json, result: Json) -> None:
    assert merged(target, patch) == result


def test_a_mistake_in_a_fault_is_told(stack: Stack) -> None:
    with pytest.raises(Malformed, match="Running has no colour"):
        stack.change("production-api", colour="red")
    with pytest.raises(Malformed, match="no-such-site"):
        stack.refuse("no-such-site")


def test_control_is_closed_to_strangers(stack: Stack, http: httpx.Client) -> None:
    answer = http.post(f"{stack.urls['control']}/reset", headers={"Authorization": "Bearer x"})

    assert answer.status_code == 401
