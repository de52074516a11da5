"""What a stage would touch is said beforehand, and nothing else is touched."""

from __future__ import annotations

import pytest

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.doctor.plan import plan_of, tell_plan
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.settings.load import validate
from pytest_chefrelease.settings.model import Settings

FULL: dict[str, object] = {
    "environments": {
        "production": {
            "api": "https://api.example",
            "web": "https://web.example",
            "database_env": "PROD_DB",
        },
        "staging": {"api": "https://staging.example"},
    },
    "secrets": {"source": "aws:prod/", "values": "env"},
    "provider": {"name": "fly", "app": "cloud"},
    "ci": {"token_env": "CI_READER", "commands": {"lint": "make lint"}},
    "logs": {"source": "file:/var/log/api/*.json"},
    "not_applicable": {"routes.*": "no web front"},
}


@pytest.mark.parametrize("stage", Stage)
def test_every_item_has_a_source_that_tells_what_it_touches(stage: Stage) -> None:
    assert plan_of(Settings(), catalogue().values(), stage).unknown == ()


def test_a_plan_names_hosts_verbs_credentials_and_files() -> None:
    told = tell_plan(plan_of(validate(FULL), catalogue().values(), Stage.PRERELEASE))

    for part in (
        "https://api.example\n      GET, HEAD, OPTIONS; POST of an empty object to /auth/login",
        "https://api.github.com\n      GET, for ",
        "the database in PROD_DB\n      SELECT, read-only, for ",
        "AWS Secrets Manager",
        "CI_READER\n      for ci.",
        "make lint\n      run, for ci.command",
        "reports/\n      write",
        "staging's web front: Give environments.staging.web",
    ):
        assert part in told


def test_what_settings_take_out_is_not_planned() -> None:
    plan = plan_of(validate(FULL), catalogue().values(), Stage.POSTRELEASE)

    assert [item for item in plan.items if item.startswith("routes.")] == []
    assert not any(touch.place == "chromium" for touch in plan.touches)


@pytest.mark.parametrize(
    ("settings", "touched", "credential"),
    [
        ({"backup": {"automatic": "render:dpg-1"}}, "https://api.render.com", "RENDER_API_KEY"),
        (
            {
                "backup": {"automatic": "fly:db"},
                "provider": {"name": "fly", "api_url": "https://fly.test", "token_env": "FLY"},
            },
            "https://fly.test",
            "FLY",
        ),
        (
            {
                "migrations": {"ask_prisma": True, "prisma_variables": ["DIRECT_URL"]},
                "environments": {"production": {"database_env": "PROD_DB"}},
            },
            "the database in PROD_DB\n      SELECT, by Prisma, for migrations.status",
            "DIRECT_URL",
        ),
    ],
    ids=["render's backups", "fly's backups", "prisma"],
)
def test_what_is_asked_besides_is_planned_with_its_host_and_credential(
    settings: dict[str, object], touched: str, credential: str
) -> None:
    told = tell_plan(plan_of(validate(settings), catalogue().values(), Stage.PRERELEASE))

    assert touched in told
    assert f"{credential}\n      for " in told


@pytest.mark.parametrize(
    ("logs", "touched", "credential"),
    [
        ({"source": "file:/var/log/*.json"}, "/var/log/*.json\n      read, for logs.", None),
        (
            {"source": "command:kubectl logs", "variables": ["KEY"]},
            "kubectl logs\n      run",
            "KEY",
        ),
        ({"source": "loki:https://loki.test", "token_env": "LOKI"}, "https://loki.test", "LOKI"),
        ({"source": "render"}, "https://api.render.com/v1\n      GET", "RENDER_API_KEY"),
        ({"source": "fly:cloud"}, "fly logs of cloud\n      run", "FLY_API_TOKEN"),
    ],
    ids=["file", "command", "loki", "render", "fly"],
)
def test_a_log_is_planned_with_what_it_touches_and_needs(
    logs: dict[str, object], touched: str, credential: str | None
) -> None:
    told = tell_plan(plan_of(validate({"logs": logs}), catalogue().values(), Stage.MONITORING))

    assert touched in told
    assert credential is None or f"{credential}\n      for logs." in told
