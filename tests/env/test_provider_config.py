"""env.provider-config: render.yaml and fly.toml as real repositories have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_chefrelease.probes.provider_files import services_of
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from tests.checks.looking import verified
from tests.checks.work_tree import WorkTree

RENDER = """\
services:
  - type: web
    name: api
    runtime: docker
    region: frankfurt
    plan: standard
    branch: main
    autoDeployTrigger: off
    numInstances: 2
    healthCheckPath: /readiness
    preDeployCommand: npx prisma migrate deploy
    envVars:
      - key: NODE_ENV
        value: production
      - key: JWT_SECRET
        sync: false
  - type: worker
    name: jobs
    region: frankfurt
  - type: web
    name: docs
    runtime: static
"""
FLY = """\
app = "api"
primary_region = "fra"
[deploy]
release_command = "npx prisma migrate deploy"
[env]
NODE_ENV = "production"
[http_service]
internal_port = 3001
auto_stop_machines = "stop"
min_machines_running = 2
[[http_service.checks]]
path = "/readiness"
"""


def look(folder: Path, files: dict[str, str], parameter: str, **tables: object) -> Result:
    tree = WorkTree.make(folder / "product")
    script = {"packages/db/prisma/migrations/1_a/migration.sql": "SELECT 1;"}
    commit = tree.commit(files | script)
    return verified(
        "env.provider-config",
        tables,
        parameter=parameter,
        stage=Stage.PRERELEASE,
        release=Release("v1.5.0", commit, "production"),
        repository=tree.path,
    )


def test_files_that_fit_production_pass_wherever_they_stand(tmp_path: Path) -> None:
    files = {"render.yaml": RENDER, "infra/fly/api/fly.toml": FLY}

    render = look(tmp_path / "a", files, "render.yaml")
    fly = look(tmp_path / "b", files, "fly.toml")

    assert (render.outcome, fly.outcome) == (Outcome.PASSED, Outcome.PASSED), render.summary
    assert "3 services in render.yaml" in render.summary
    assert "infra/fly/api/fly.toml" in fly.summary


@pytest.mark.parametrize(
    ("before", "after", "seen"),
    [
        ("    healthCheckPath: /readiness\n", "", "api in render.yaml: it names no health"),
        ("healthCheckPath: /r", "healthCheckPath: r", "does not begin with /"),
        (
            "name: jobs\n",
            "name: jobs\n    healthCheckPath: /health\n",
            "jobs in render.yaml: a health check path on a worker, which has none",
        ),
        (
            "runtime: static\n",
            "runtime: static\n    healthCheckPath: /\n",
            "a health check path on a static site",
        ),
        ("plan: standard", "plan: free", "it is stopped when nobody asks"),
        (
            "branch: main\n    autoDeployTrigger: off",
            "branch: develop\n    autoDeployTrigger: commit",
            "pushes to develop are deployed by themselves, the main branch is main",
        ),
        (
            "branch: main\n    autoDeployTrigger: off",
            "branch: develop",
            "pushes to develop are deployed by themselves",
        ),
        ("    region: frankfurt\n    plan", "    plan", "api in render.yaml: it names no region"),
        ("preDeployCommand", "startCommand", "no service names the release command"),
        ("value: production", "value: staging", "NODE_ENV: it is another value"),
        (
            "- key: NODE_ENV",
            "- key: CORS_ORIGIN\n        value: https://a.example\n      - key: NODE_ENV",
            "CORS_ORIGIN is set, and the application reads CORS_ORIGINS",
        ),
        (
            "numInstances: 2",
            "numInstance: 2",
            "numInstance is no key of it; did you mean numInstances?",
        ),
        ("services:", "services: [", "render.yaml is not YAML"),
        ("services:", "service:", "has no services"),
    ],
)
def test_each_mistake_of_real_render_files_is_named(
    tmp_path: Path, before: str, after: str, seen: str
) -> None:
    assert before in RENDER

    result = look(tmp_path, {"render.yaml": RENDER.replace(before, after, 1)}, "render.yaml")

    assert (result.outcome, result.severity) == (Outcome.FAILED, "P3"), result.summary
    assert seen in result.summary
    assert result.remedy


def test_a_branch_that_is_not_deployed_by_itself_is_no_mistake(tmp_path: Path) -> None:
    text = RENDER.replace("branch: main", "branch: develop")

    assert look(tmp_path, {"render.yaml": text}, "render.yaml").outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("before", "after", "seen"),
    [
        ("min_machines_running = 2", "min_machines_running = 0", "cold start"),
        ("min_machines_running = 2\n", "", "cold start"),
        (
            '[[http_service.checks]]\npath = "/readiness"\n',
            "",
            "api in fly.toml: it names no health endpoint",
        ),
        ('primary_region = "fra"\n', "", "it names no region"),
        ("release_command", "release_comand", "no service names the release command"),
        ('"production"', '"staging"', "NODE_ENV: it is another value"),
        ("[env]", "[env]\nCORS_ORIGIN = 'https://a'", "the application reads CORS_ORIGINS"),
        ("primary_region", "primary_regio", "primary_regio is no key of it; did you mean primary_"),
        ("[env]", "[env", "fly.toml is not TOML"),
        ("[env]", f"a = {'9' * 5_000}\n[env]", "fly.toml is not TOML"),
        ("[env]", f"a = {'[' * 5_000}\n[env]", "fly.toml is not TOML"),
    ],
)
def test_each_mistake_of_real_fly_files_is_named(
    tmp_path: Path, before: str, after: str, seen: str
) -> None:
    assert before in FLY

    result = look(tmp_path, {"fly.toml": FLY.replace(before, after, 1)}, "fly.toml")

    assert (result.outcome, result.severity) == (Outcome.FAILED, "P3"), result.summary
    assert seen in result.summary


def test_instances_count_where_settings_ask_for_them(tmp_path: Path) -> None:
    provider = {"min_instances": 3}

    result = look(tmp_path, {"fly.toml": FLY}, "fly.toml", provider=provider)

    assert "2 instances always run, 3 are asked for" in result.summary
    assert "min_machines_running = 3" in result.remedy


def test_a_machine_that_never_stops_needs_no_minimum() -> None:
    text = FLY.replace('"stop"', '"off"').replace("min_machines_running = 2\n", "")

    (app,) = services_of("fly.toml", text.encode())

    assert (app.sleeps, app.instances) == (False, None)


def test_older_fly_services_and_named_checks_are_read() -> None:
    text = 'app = "old"\n[[services]]\ninternal_port = 1\n[checks.up]\ntype = "http"\npath = "/up"'

    (app,) = services_of("fly.toml", text.encode())

    assert (app.kind, app.health_path) == ("web", "/up")


def test_services_of_renders_projects_are_read_too() -> None:
    text = (
        "projects:\n  - name: p\n    environments:\n      - name: production\n"
        "        services:\n          - type: web\n            name: deep\n"
    )

    assert [service.name for service in services_of("render.yaml", text.encode())] == ["deep"]


def test_a_file_that_is_not_there_is_not_applicable(tmp_path: Path) -> None:
    assert look(tmp_path, {"fly.toml": FLY}, "render.yaml").outcome is Outcome.NOT_APPLICABLE
