"""What to do now: each decision rule with a case that triggers it and one that just does not."""

from __future__ import annotations

import shlex
from itertools import permutations

import pytest
from msgspec.structs import replace

from pytest_chefrelease.runbook.item import Severity, Stage, Symptom
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.response import Action, Deployment, Response, respond
from pytest_chefrelease.runbook.verdict import Run, decide
from tests.runbook.making import failed, result

P1, P2, P3 = Severity
HEALTH, LOGIN = failed(Symptom.HEALTH_FAILING, P1), failed(Symptom.LOGIN_BROKEN, P1)
MIGRATION, ERRORS = failed(Symptom.MIGRATION_FAILED, P1), failed(Symptom.SERVER_ERRORS)
VALUE = result(Outcome.FAILED, "env.value", P2, parameter="NODE_ENV",
               symptom=Symptom.WRONG_ENVIRONMENT)  # fmt: skip
UNKNOWN, WATCH = failed(Symptom.CAUSE_UNKNOWN), failed(Symptom.WATCH_INCOMPLETE, P3)
PASSED = result(Outcome.PASSED, "a.passed")
DEPLOYMENT = Deployment("fly", ("app-api", "app-web"), "v1.4.2", "registry.example/app:1")


def response_to(
    *some: Result, stage: Stage = Stage.POSTRELEASE, deployment: Deployment = DEPLOYMENT
) -> Response:
    some = (*some, PASSED)
    return respond(stage, decide(Run(stage), some), some, deployment)


@pytest.mark.parametrize(
    ("some", "action", "within"),
    [
        ([HEALTH], Action.ROLL_BACK, "now"),
        ([HEALTH, MIGRATION], Action.ROLL_BACK, "now"),
        ([LOGIN], Action.ROLL_BACK, "now"),
        ([LOGIN, MIGRATION, ERRORS, VALUE], Action.ROLL_BACK, "now"),
        ([MIGRATION], Action.STOP_AND_ASSESS, "now"),
        ([MIGRATION, ERRORS, VALUE, failed(None, P1)], Action.STOP_AND_ASSESS, "now"),
        ([ERRORS], Action.ROLL_BACK, "5 minutes"),
        ([ERRORS, VALUE, failed(None, P3)], Action.ROLL_BACK, "5 minutes"),
        ([VALUE], Action.FIX_AND_RESTART, None),
        ([VALUE, failed(None, P2), failed(None, P3)], Action.FIX_AND_RESTART, None),
        ([failed(Symptom.WRONG_ENVIRONMENT, P1)], Action.FIX_AND_RESTART, None),
        ([VALUE, failed(None, P1)], Action.ROLL_BACK, "now"),
        ([failed(None, P1)], Action.ROLL_BACK, "now"),
        ([failed(None, P1), failed(None, P3)], Action.ROLL_BACK, "now"),
        ([UNKNOWN], Action.ROLL_BACK, "now"),
        ([UNKNOWN, failed(None, P2)], Action.ROLL_BACK, "now"),
        ([failed(None, P2)], Action.ROLL_BACK_OR_HOTFIX, "1 hour"),
        ([failed(None, P2), failed(None, P3)], Action.ROLL_BACK_OR_HOTFIX, "1 hour"),
        ([failed(None, P3)], Action.FIX_FORWARD, "the next deploy"),
        ([WATCH], Action.HOLD, None),
        ([WATCH, failed(None, P3)], Action.FIX_FORWARD, "the next deploy"),
        ([WATCH, failed(None, P1)], Action.ROLL_BACK, "now"),
        ([], Action.PROCEED, None),
    ],
)
@pytest.mark.parametrize("stage", [Stage.POSTRELEASE, Stage.MONITORING])
def test_the_gravest_rule_that_holds_decides(
    some: list[Result], action: Action, within: str | None, stage: Stage
) -> None:
    response = response_to(*some, stage=stage)

    assert (response.action, response.within) == (action, within)


@pytest.mark.parametrize(
    "some",
    list(permutations([failed(None, P2), failed(None, P3), result(Outcome.FAILED, "z.z", P2)])),
)
def test_the_gravest_is_named_in_whatever_order_they_came(some: tuple[Result, ...]) -> None:
    assert response_to(*some).reason == (
        "P2, failed.p2 failed: roll back, or hotfix, within 1 hour."
    )


NEAR_MISSES = {
    Symptom.HEALTH_FAILING: Action.ROLL_BACK,
    Symptom.LOGIN_BROKEN: Action.ROLL_BACK,
    Symptom.MIGRATION_FAILED: Action.STOP_AND_ASSESS,
    Symptom.SERVER_ERRORS: Action.ROLL_BACK,
    Symptom.WRONG_ENVIRONMENT: Action.FIX_AND_RESTART,
    Symptom.CAUSE_UNKNOWN: Action.ROLL_BACK,
}


@pytest.mark.parametrize(("symptom", "action"), NEAR_MISSES.items())
@pytest.mark.parametrize(
    "near",
    [
        result(Outcome.FAILED, "a.near", P1, blocking=False),
        *(result(o, "a.near", P1) for o in Outcome if o is not Outcome.FAILED),
    ],
    ids=lambda near: near.outcome,
)
def test_what_did_not_fail_or_does_not_block_triggers_no_rule(
    symptom: Symptom, action: Action, near: Result
) -> None:
    assert response_to(failed(symptom, P3)).action is action
    assert (
        response_to(replace(near, symptom=symptom), failed(None, P3)).action is Action.FIX_FORWARD
    )


@pytest.mark.parametrize("some", [[HEALTH], [MIGRATION], [failed(None, P3)]])
def test_before_the_deploy_the_response_is_always_to_hold(some: list[Result]) -> None:
    response = response_to(*some, stage=Stage.PRERELEASE)

    assert response.action is Action.HOLD
    assert response.reason.startswith("Do not deploy. ")
    assert some[0].label in response.reason


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (Run(Stage.POSTRELEASE, left_out=1), "Not enough evidence to call it well. Run the whole"),
        (Run(Stage.MONITORING, interrupted="it was"), "Do not call it well. Run the watch"),
        (Run(Stage.POSTRELEASE, foreign_failures=1), "Do not call it well. Mend"),
    ],
)
def test_without_a_failed_item_the_response_is_to_hold(run: Run, reason: str) -> None:
    response = respond(run.stage, decide(run, [PASSED]), [PASSED], DEPLOYMENT)

    assert response.action is Action.HOLD
    assert response.reason.startswith(reason)


@pytest.mark.parametrize("stage", Stage)
def test_go_says_the_next_step(stage: Stage) -> None:
    assert response_to(stage=stage).action is Action.PROCEED
    assert len(response_to(stage=stage).reason) > 20


RENDER = (
    "curl -X POST https://api.render.com/v1/services/SERVICE_ID/rollback "
    "-H \"Authorization: Bearer $RENDER_API_KEY\" -H 'Content-Type: application/json' "
    '-d \'{"deployId": "DEPLOY_ID"}\''
)
UNSET = "(Set [provider] in release.toml for the exact commands.)"
COMMANDS = {
    "fly": [
        "fly releases --image -a app-api    # the image of v1.4.2",
        "fly deploy --image registry.example/app:1 -a app-api",
        "fly releases rollback -a app-api    # instead, where flyctl is old",
        "fly releases --image -a app-web    # the image of v1.4.2",
        "fly deploy --image IMAGE_OF_v1.4.2 -a app-web",
        "fly releases rollback -a app-web    # instead, where flyctl is old",
    ],
    "render": [
        "# Render dashboard: app-api: Events/Deploys: deploy of v1.4.2: Rollback",
        RENDER,
        "# Render dashboard: app-web: Events/Deploys: deploy of v1.4.2: Rollback",
        RENDER,
    ],
    "docker": [
        "docker pull registry.example/app:1",
        "docker pull app-web:v1.4.2",
        "docker-compose up -d    # with the tags of v1.4.2",
    ],
    None: [f"# Deploy v1.4.2 again. {UNSET}"],
}  # fmt: skip


@pytest.mark.parametrize(("provider", "commands"), COMMANDS.items())
def test_the_way_back_is_the_providers_with_names_filled_in(
    provider: str | None, commands: list[str]
) -> None:
    deployment = Deployment(provider, ("app-api", "app-web"), "v1.4.2", "registry.example/app:1")

    assert list(response_to(HEALTH, deployment=deployment).commands) == commands


def test_an_unknown_image_of_docker_is_the_apps_previous_tag() -> None:
    deployment = Deployment("docker", ("chefcloud/api",), "v0.9.9")

    commands = response_to(HEALTH, deployment=deployment).commands

    assert commands[0] == "docker pull chefcloud/api:v0.9.9"


def test_what_the_provider_takes_to_go_back_is_filled_in_and_quoted() -> None:
    targets = {"srv-1": "dep-1", "srv-2": "dep-2'; rm -rf ~"}
    deployment = Deployment("render", ("srv-1", "srv-2"), "v1.4.2", targets=targets)

    commands = response_to(HEALTH, deployment=deployment).commands

    assert commands[1].endswith("""-d '{"deployId": "dep-1"}'""")
    assert shlex.split(commands[3])[-1] == '{"deployId": "dep-2\'; rm -rf ~"}'


def test_renders_own_service_id_goes_into_the_address() -> None:
    commands = response_to(HEALTH, deployment=Deployment("render", ("srv-c0ffee",), "v1")).commands

    assert "/services/srv-c0ffee/rollback" in commands[1]


@pytest.mark.parametrize(
    ("provider", "command"),
    [
        ("fly", "fly secrets set NODE_ENV=VALUE -a app-api    # restarts by itself"),
        ("render", "# Render dashboard: app-api: Environment: NODE_ENV: save and deploy"),
        ("docker", "docker-compose up -d --force-recreate"),
        (None, f"# Correct NODE_ENV and restart. {UNSET}"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_mended_by_its_name(provider: str | None, command: str) -> None:
    commands = response_to(VALUE, deployment=Deployment(provider, ("app-api",))).commands

    assert commands[-1] == command


@pytest.mark.parametrize(
    ("backup", "restore"),
    [
        (None, 'psql "$DATABASE_URL" < BACKUP_FILE'),
        ("backups/b.sql", 'psql "$DATABASE_URL" < backups/b.sql'),
        ("b 1.sql.gz", "gunzip < 'b 1.sql.gz' | psql \"$DATABASE_URL\""),
        (
            "s3://kept/b.dump",
            (
                "aws s3 cp s3://kept/b.dump - | "
                'pg_restore --clean --if-exists --dbname "$DATABASE_URL"'
            ),
        ),
        ("b.dump", 'pg_restore --clean --if-exists --dbname "$DATABASE_URL" b.dump'),
    ],
)
def test_a_failed_migration_follows_the_runbooks_protocol(backup: str | None, restore: str) -> None:
    deployment = Deployment("fly", backup=backup, migration="20261101_orders")

    commands = response_to(MIGRATION, deployment=deployment).commands

    assert commands[1:] == (
        "npx prisma migrate status",
        "npx prisma migrate resolve --rolled-back 20261101_orders",
        f"{restore}    # only if data is badly corrupted",
    )


HOSTILE = "x'; touch owned #\ntouch owned"


@pytest.mark.parametrize("provider", ["fly", "render", "docker", None])
@pytest.mark.parametrize("bad", [HEALTH, MIGRATION, VALUE])
def test_names_from_outside_cannot_leave_their_place_in_a_command(
    provider: str | None, bad: Result
) -> None:
    hostile = Deployment(provider, (HOSTILE,), HOSTILE, HOSTILE, HOSTILE, HOSTILE)

    for command in response_to(bad, deployment=hostile).commands:
        words = shlex.split(command, comments=True)
        assert "touch" not in words
        assert not [word for word in words if word in (";", "owned")]


def test_an_unconfigured_deployment_leaves_placeholders() -> None:
    commands = response_to(HEALTH, deployment=Deployment("fly")).commands

    assert commands[1] == "fly deploy --image IMAGE_OF_PREVIOUS_VERSION -a APP"
