"""Verdict, response and board of a run come from its results and what earlier stages kept."""

from __future__ import annotations

import importlib
import pkgutil
from datetime import datetime, timedelta, timezone

import pytest
from msgspec.structs import replace

from pytest_chefrelease import checks
from pytest_chefrelease.checks.conclude import conclude, deployment, expected_labels
from pytest_chefrelease.checks.declare import Check, catalogue
from pytest_chefrelease.runbook.commands import rollback_commands
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Severity, Stage, Symptom
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.record import StageRecord
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.runbook.verdict import Run
from pytest_chefrelease.settings.load import validate
from pytest_chefrelease.settings.model import Settings
from tests.checks.given import NOW, WELL, item

RELEASE = Release("v1.5.0", "3f2a91c", "production", previous_version="v1.4.2")
FLY = validate({"provider": {"name": "fly", "app": "api", "web_app": "web"}})


def result(
    name: str, outcome: Outcome = Outcome.PASSED, line: int | None = None, **facts: str | None
) -> Result:
    of = item(id=name, quick_check=line)
    evidence = replace(WELL, facts={"n": 1, **facts})
    return Result(of, None, Stage.POSTRELEASE, outcome, "seen", of.severity, blocking=True,
                  evidence=evidence)  # fmt: skip


def record_of(
    *results: Result, earlier: tuple[StageRecord, ...] = (), settings: Settings = FLY
) -> StageRecord:
    return conclude(
        settings=settings,
        release=RELEASE,
        run=Run(Stage.POSTRELEASE),
        results=results,
        started_at=NOW - timedelta(minutes=1),
        finished_at=NOW,
        earlier=earlier,
    )


def test_commands_are_filled_in_from_settings_release_and_results() -> None:
    record = record_of(
        replace(
            result("migrations.status", Outcome.FAILED, failed_migration="20261101_orders"),
            symptom=Symptom.MIGRATION_FAILED,
        ),
        result("backup.fresh", path="b.dump"),
        result("health.endpoint"),
    )

    assert "npx prisma migrate resolve --rolled-back 20261101_orders" in record.response.commands
    assert any("b.dump" in command for command in record.response.commands)
    assert record.response.commands[0] == "# Is the app still functional? yes: seen"


def test_commands_are_filled_in_from_earlier_stages_too() -> None:
    before = record_of(result("backup.fresh", path="b.sql"))
    failed = result("migrations.status", Outcome.FAILED)

    record = record_of(replace(failed, symptom=Symptom.MIGRATION_FAILED), earlier=(before,))

    assert any("< b.sql" in command for command in record.response.commands)


@pytest.mark.parametrize("path", [None, ""])
def test_a_result_that_names_nothing_does_not_hide_one_that_does(path: str | None) -> None:
    results = (
        result("backup.fresh", path=path),
        result("backup.fresh"),
        result("backup.fresh", path="b.sql"),
    )

    assert deployment(FLY, RELEASE, results).backup == "b.sql"


def test_the_way_back_is_what_ran_before_the_deploy_else_what_the_provider_remembers() -> None:
    before = result("rollback.previous-release")
    seen = replace(WELL, facts={"targets": {"api": "registry.example/api:deployment-1"}})
    told = replace(
        result("deploy.executed", previous_reference="registry.example/web:deployment-7"),
        parameter="web",
    )
    again = replace(
        result("deploy.executed", previous_reference="registry.example/api:deployment-9"),
        parameter="api",
    )

    commands = rollback_commands(
        deployment(FLY, RELEASE, [replace(before, evidence=seen), told, again])
    )

    assert "fly deploy --image registry.example/api:deployment-1 -a api" in commands
    assert "fly deploy --image registry.example/web:deployment-7 -a web" in commands


def test_a_version_in_settings_wins_over_the_one_that_was_found() -> None:
    settings = validate({"release": {"previous_version": "v1.0.0"}})

    assert deployment(settings, RELEASE, ()).previous_version == "v1.0.0"
    assert deployment(FLY, RELEASE, ()).previous_version == "v1.4.2"


def test_the_board_is_filled_across_stages() -> None:
    before = record_of(result("ci.required-checks", line=1), result("x.y", Outcome.FAILED, 4))

    board = record_of(result("health.endpoint", line=8), earlier=(before,)).quick_check

    assert {line.line: line.outcome for line in board if line.outcome != "pending"} == {
        1: "passed",
        4: "failed",
        8: "passed",
    }


def test_the_board_compares_times_of_different_zones() -> None:
    tokyo, lima = timezone(timedelta(hours=9)), timezone(timedelta(hours=-5))

    def seen_at(time: datetime) -> Result:
        passed = result("health.endpoint", line=8)
        return replace(passed, evidence=replace(WELL, observed_at=time))

    older, newer = NOW.astimezone(tokyo), (NOW + timedelta(hours=1)).astimezone(lima)
    board = record_of(seen_at(older), seen_at(newer)).quick_check

    assert board[7].observed_at == "2026-11-24T11:30:00+00:00"


def test_a_shadow_fills_no_line() -> None:
    board = record_of(result("health.endpoint", Outcome.SHADOW, 8)).quick_check

    assert board[7].outcome == "pending"


async def verify() -> Evidence:
    return WELL


@pytest.mark.parametrize(
    ("tables", "labels"),
    [
        ({}, {"a.one", "a.many[x]", "a.many[y]"}),
        ({"items": {"a.one": {"blocking": False}}}, {"a.many[x]", "a.many[y]"}),
        ({"items": {"a.one": {"shadow": True}}}, {"a.many[x]", "a.many[y]"}),
        (
            {"items": {"a.advisory": {"blocking": True}}},
            {"a.one", "a.many[x]", "a.many[y]", "a.advisory"},
        ),
    ],
)
def test_a_whole_run_has_every_check_of_its_stage_that_counts(
    tables: dict[str, object], labels: set[str]
) -> None:
    declared = [
        Check(item(id="a.one"), verify),
        Check(item(id="a.many"), verify, lambda _settings, _stage: ("x", "y")),
        Check(item(id="a.advisory", blocking=False), verify),
        Check(item(id="a.elsewhere", stages=(Stage.PRERELEASE,)), verify),
    ]

    assert expected_labels(declared, validate(tables), Stage.POSTRELEASE) == labels


# --- the declarations themselves --------------------------------------------------------------


def test_every_item_is_declared_in_the_room_that_its_id_names() -> None:
    rooms = {module.name for module in pkgutil.iter_modules(checks.__path__)}

    for item_id, declared in catalogue().items():
        assert declared.item.room in rooms, item_id
        room = importlib.import_module(f"{checks.__name__}.{declared.item.room}")
        assert declared in vars(room).values(), item_id


@pytest.mark.parametrize("item_id", catalogue())
def test_every_declaration_says_what_a_report_needs(item_id: str) -> None:
    of = catalogue()[item_id].item

    assert of.title.strip(". ") == of.title != ""
    assert of.remedy.endswith((".", "}")) or "type: chefrelease " in of.remedy
    assert of.quick_check is None or 1 <= of.quick_check <= 10
    assert of.timeout_s > 0
    assert isinstance(of.severity, Severity)
