"""A stage touches what `chefrelease plan` says, and nothing else."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.doctor.plan import plan_of
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.settings.load import validate
from tests.glue.running import Application, Gate
from tests.probes.aws_server import aws_server, point_at

WATCHED = """
import json, sys

reached = set()

def listen(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        reached.add(arguments[1][1])

sys.addaudithook(listen)

def pytest_unconfigure():
    with open("reached.json", "w") as file:
        json.dump(sorted(reached), file)
"""


def test_a_stage_reaches_no_host_that_its_plan_does_not_name(
    gate: Gate,
    application: Application,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table: dict[str, object] = {
        "environments": {"production": {"api": application.url}},
        "backup": {"path": "s3://chef-backups/*.dump"},
    }
    plan = plan_of(validate(table), catalogue().values(), Stage.POSTRELEASE)
    named = {urlsplit(t.place).port for t in plan.touches if t.place.startswith("http")}
    assert any(t.place.startswith("s3://chef-backups/*.dump at ") for t in plan.touches)
    pytester.makeconftest(WATCHED)
    same = '= "the same host, hundreds of times"'
    only_here = '[backup]\npath = "s3://chef-backups/*.dump"\n'
    only_here += f'[not_applicable]\n"latency.p95" {same}\n"latency.regression" {same}\n'
    pytester.path.joinpath("release.toml").write_text(only_here, encoding="utf-8")

    with aws_server() as store:
        point_at(store, monkeypatch)
        ran = gate("-m", "postrelease", f"--base-url={application.url}")

    reached = json.loads((ran.folder / "reached.json").read_text())
    assert named == {urlsplit(application.url).port}
    # The store's address is in a variable, which a plan does not look at: it names that.
    assert set(reached) == named | {urlsplit(store).port}
