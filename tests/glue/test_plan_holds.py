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
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    table: dict[str, object] = {"environments": {"production": {"api": application.url}}}
    plan = plan_of(validate(table), catalogue().values(), Stage.POSTRELEASE)
    named = {urlsplit(t.place).port for t in plan.touches if t.place.startswith("http")}
    pytester.makeconftest(WATCHED)
    same = '= "the same host, hundreds of times"'
    only_here = f'[not_applicable]\n"latency.p95" {same}\n"latency.regression" {same}\n'
    pytester.path.joinpath("release.toml").write_text(only_here, encoding="utf-8")

    ran = gate("-m", "postrelease", f"--base-url={application.url}")

    reached = json.loads((ran.folder / "reached.json").read_text())
    assert set(reached) == named == {urlsplit(application.url).port}
