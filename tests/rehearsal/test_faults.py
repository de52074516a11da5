from __future__ import annotations

import pytest

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.rehearsal.faults import FAULTS, fault_named
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action
from pytest_chefrelease.runbook.verdict import Decision

ITEMS_WITH_FAULTS = (
    "ci.required-checks",
    "ci.commit-on-main",
    "ci.command",
    "backup.fresh",
    "backup.complete",
    "backup.restores",
    "migrations.status",
    "migrations.tested-on-staging",
    "migrations.safe",
    "database.connections",
    "redis.ping",
    "health.endpoint",
    "routes.http",
    "routes.browser",
    "latency.p95",
    "secrets.present",
    "secrets.strength",
    "secrets.rotation",
    "secrets.distinct",
    "secrets.not-in-repository",
    "secrets.no-credentials-in-release",
    "secrets.not-in-blueprint",
    "secrets.not-served",
    "secrets.jwt-rotation",
    "secrets.old-is-dead",
    "smoke.endpoint",
    "preflight.rule",
    "staging.same-code",
    "staging.smoke",
    "staging.preflight",
    "staging.route",
    "staging.command",
    "tls.certificate",
    "version.tag",
    "version.clean-tree",
    "release.freeze",
    "env.value",
    "env.provider-config",
    "rollback.previous-release",
    "deploy.executed",
    "deploy.instances",
    "deploy.maintenance-on",
    "deploy.maintenance-off",
    "sentry.no-new-issues",
    "alerts.none-firing",
    "metrics.signal",
    "watch.complete",
    "logs.no-5xx",
    "logs.auth-failures",
)


GRAVEST = (
    Action.ROLL_BACK,
    Action.STOP_AND_ASSESS,
    Action.FIX_AND_RESTART,
    Action.ROLL_BACK_OR_HOTFIX,
    Action.FIX_FORWARD,
    Action.HOLD,
    Action.PROCEED,
)


def test_names_are_unique_and_say_no_more_than_needed() -> None:
    names = [fault.name for fault in FAULTS]

    assert len(set(names)) == len(names)
    assert all(name == name.lower() and " " not in name for name in names)


@pytest.mark.parametrize("item", ITEMS_WITH_FAULTS)
def test_each_item_has_a_fault_that_turns_it_red(item: str) -> None:
    assert any(
        label.partition("[")[0] == item and fault.verdict is Decision.NO_GO
        for fault in FAULTS
        for label in fault.red
    )


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_what_a_fault_expects_follows_the_verdicts_rules(fault: Fault) -> None:
    open_items = [catalogue()[label.partition("[")[0]].item for label in fault.unverified]
    held = Decision.HOLD if any(item.blocking for item in open_items) else Decision.GO
    assert fault.items
    assert fault.verdict is (Decision.NO_GO if fault.red else held)
    if fault.verdict is Decision.GO:
        assert fault.action is Action.PROCEED
    elif fault.stage is Stage.PRERELEASE or fault.verdict is Decision.HOLD:
        assert fault.action is Action.HOLD


# The runbook's decision rules, gravest first (DESIGN.md section 3): the fault that triggers each,
# and one that comes near and must lead to less.
RULES = {
    "health failing": ("health-down", "health-degraded"),
    "health failing for three looks of a watch": ("health-down-in-watch", "redis-evicting"),
    "login broken": ("cookie-dropped", "swipe-missing"),
    "a migration failed": ("failed-migration", "connections-near-limit"),
    "5xx above 5 %": ("log-5xx-above-five-percent", "log-5xx-burst"),
    "cause unknown for 15 minutes": ("log-5xx-of-unknown-cause", "log-5xx-in-watch"),
    "a wrong environment value": ("env-wrong-after-deploy", "instance-unhealthy"),
    "anything of P2": ("redis-down", "latency-slow"),
    "anything of P3": ("latency-slow", "latency-regression"),
}


@pytest.mark.parametrize("rule", RULES)
def test_each_decision_rule_has_a_fault_and_one_that_just_misses_it(rule: str) -> None:
    triggers, misses = map(fault_named, RULES[rule])

    assert triggers.action is not misses.action
    assert GRAVEST.index(triggers.action) < GRAVEST.index(misses.action)


def test_an_unknown_fault_is_told_with_the_nearest_names() -> None:
    with pytest.raises(SettingsError, match="failed-migration"):
        fault_named("failed-migrations")
    with pytest.raises(SettingsError, match="--list-faults"):
        fault_named("zzz")
