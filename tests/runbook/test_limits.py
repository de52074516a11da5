"""Limits that were loosened between two runs, by what settings say."""

from __future__ import annotations

import pytest

from pytest_chefrelease.runbook.limits import Limit, Looser, loosened
from pytest_chefrelease.settings.limits import limits_of
from pytest_chefrelease.settings.load import validate

BEFORE: dict[str, object] = {
    "latency": {"p95": "300ms"},
    "secrets": {"required": {"JWT_SECRET": {"min_length": 48, "rotate": "30d"}}},
    "verdict": {"max_waivers": 1},
    "smoke": {"endpoints": [{"get": "/health"}, {"get": "/items", "status": [200]}]},
}
LOOSER: dict[str, dict[str, object]] = {
    "latency.p95": {"latency": {"p95": "500ms"}},
    "secrets.required.JWT_SECRET.min_length": {
        "secrets": {"required": {"JWT_SECRET": {"min_length": 32, "rotate": "30d"}}}
    },
    "secrets.required.JWT_SECRET.rotate": {
        "secrets": {"required": {"JWT_SECRET": {"min_length": 48}}}
    },
    "verdict.max_waivers": {"verdict": {}},
    "verdict.allow_unverified": {"verdict": {"max_waivers": 1, "allow_unverified": True}},
    "smoke.endpoints": {"smoke": {"endpoints": [{"get": "/items", "status": [200]}]}},
    "smoke.endpoints: GET /items": {
        "smoke": {"endpoints": [{"get": "/health"}, {"get": "/items", "status": [200, 404]}]}
    },
    "not_applicable": {"not_applicable": {"version.bump": "not yet"}},
    "items, as shadow": {"items": {"health.endpoint": {"shadow": True}}},
    "items, not blocking": {"items": {"health.endpoint": {"blocking": False}}},
    "tls.min_days": {"tls": {"min_days": 7}},
    "routes.paths": {"routes": {"paths": ["/"]}},
}


@pytest.mark.parametrize("key", LOOSER)
def test_what_lets_through_more_is_named_and_the_other_way_is_not(key: str) -> None:
    before = limits_of(validate(BEFORE))
    after = limits_of(validate(BEFORE | LOOSER[key]))

    assert key in [each.now.key for each in loosened(after, before)]
    assert key not in [each.now.key for each in loosened(before, after)]


def test_equal_settings_loosen_nothing() -> None:
    limits = limits_of(validate(BEFORE))
    assert list(loosened(limits, limits)) == []


def test_a_limit_that_one_run_did_not_know_is_no_finding() -> None:
    assert list(loosened([Limit("a.new", Looser.HIGHER, 5.0)], [])) == []
